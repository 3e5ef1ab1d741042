#!/usr/bin/env bash
# Refuses over-long files, forbidden names, unfinished work, profile ids in code, and SQL outside its rooms.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python3 scripts/checks/style.py .
