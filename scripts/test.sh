#!/usr/bin/env bash
# Runs the tests that `make build` has built, against a throw-away PostgreSQL, and holds what the contract documents against what the tests have seen of it.
#
# With arguments, such as `--filter StoreTests`, only those tests run, and the contract is not held against anything.
# What failed is said again at the end; the runner's summary comes last.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

[ -d ../shared/data ] || echo "../shared/data is not here: the tests over it say that they are skipped"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ $# -eq 0 ]; then
    export DAYLIGHT_CONTRACT_COVERAGE=$work/seen DAYLIGHT_CONTRACT_DOCUMENTED=$work/documented
fi
status=0
run() {
    scripts/with-postgres.sh swift test -c release --skip-build --disable-xctest "$@" 2>&1 | tee -a "$work/log" || status=$?
}
if [ $# -eq 0 ]; then
    # Whole servers take much of a small machine: they run by themselves, and nodes that follow one another by themselves even then.
    run --filter AcceptanceTests.NodeTests
    run --filter AcceptanceTests --skip AcceptanceTests.NodeTests
    run --skip AcceptanceTests
else
    run "$@"
fi
if [ "$status" -ne 0 ]; then
    python3 scripts/checks/failures.py "$work/log"
elif [ $# -eq 0 ]; then
    python3 scripts/checks/coverage.py "$work/documented" "$work/seen" Tests/uncovered.txt || status=$?
fi
grep -E 'Test run with [0-9]+ tests' "$work/log" | awk '!seen[$0]++' | sort -s -r -k 10,10 || echo "the test run ended without a summary, with status $status"
exit "$status"
