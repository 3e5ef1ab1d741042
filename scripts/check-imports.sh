#!/usr/bin/env bash
# Refuses imports that go up or sideways between rooms, or that Package.swift does not declare.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
description=$(mktemp)
trap 'rm -f "$description"' EXIT
swift package describe --type json >"$description"
python3 scripts/checks/imports.py . "$description"
