#!/usr/bin/env bash
# Runs the tests that `make build` has built, against a throw-away PostgreSQL.
#
# With DAYLIGHT_COVERAGE=1 it also holds what the contract documents against what the tests have seen of it. The runner's summary comes last.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

[ -d ../shared/data ] || echo "../shared/data is not here: the tests over it say that they are skipped"
if [ "${DAYLIGHT_COVERAGE:-}" != 1 ]; then
    exec scripts/with-postgres.sh swift test -c release --skip-build --disable-xctest "$@"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DAYLIGHT_CONTRACT_COVERAGE=$work/seen DAYLIGHT_CONTRACT_DOCUMENTED=$work/documented
status=0
scripts/with-postgres.sh swift test -c release --skip-build --disable-xctest "$@" 2>&1 | tee "$work/log" || status=$?
if [ "$status" -eq 0 ]; then
    python3 scripts/checks/coverage.py "$work/documented" "$work/seen" Tests/uncovered.txt || status=$?
fi
grep -E 'Test run with [0-9]+ tests' "$work/log" | tail -n 1
exit "$status"
