#!/usr/bin/env bash
# Refuses Swift files that `make format` would change. Long literals that cannot be broken are no fault.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R .swift-format Package.swift Sources Tests "$work"
(cd "$work" && swift format --in-place --recursive --parallel Package.swift Sources Tests)
status=0
for item in Package.swift Sources Tests; do
    diff --recursive --unified=1 "$item" "$work/$item" || status=1
done
[ "$status" -eq 0 ] || echo "run make format" >&2
exit "$status"
