#!/usr/bin/env bash
# make bench: measures the built server against pgbench, psql, nginx, FastAPI and Datasette on this machine and prints JSON.
#
# Needs wrk, nginx, pgbench and psql (apt) and Python 3.11 with venv; the Python packages go into .bench/venv.
# DAYLIGHT_TEST_DATABASE_URL set: that server is used, in a database of its own, which is dropped afterwards.
# `run.sh search` measures search alone, with the arguments of search.py: --sizes, --rate, --seconds, --no-fastapi.
# `run.sh appends` measures how fast the ledger takes in what is entered: --rate, --seconds.
# `run.sh receipts` measures how fast signed receipts are taken in: --rate, --seconds, --signed.
# `run.sh webhooks` measures how fast departments are told: --messages, --endpoints, --singles, --delay.
# Other arguments go to bench.py: --rows, --seconds, --rounds, --only row page aggregate rollup csv file push proof release hot refused slow diff; --before.
# large, workbook and rolled have other numbers of rows: --rows 10000000 --rounds 1 --only large; --rows 1000000 --rounds 1 --only workbook rolled.
# Without arguments all of it is measured: more than an hour.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for tool in wrk nginx pgbench psql python3; do
    command -v "$tool" >/dev/null || PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null || {
        echo "$tool is missing: apt-get install wrk nginx postgresql postgresql-client python3-venv" >&2
        exit 69
    }
done
export PATH=$PATH:/usr/sbin

if [ -z "${DAYLIGHT_TEST_DATABASE_URL:-}" ]; then
    export DAYLIGHT_TEST_POSTGRES_OPTIONS="-c shared_buffers=1GB"
    exec scripts/with-postgres.sh "$0" "$@"
fi

if [ ! -x .bench/venv/bin/datasette ] || ! .bench/venv/bin/python -c 'import cryptography' 2>/dev/null; then
    python3 -m venv .bench/venv
    .bench/venv/bin/pip install --quiet --requirement Benchmarks/requirements.txt
fi

database="daylight_bench_$$"
psql -X -q "$DAYLIGHT_TEST_DATABASE_URL" -c "CREATE DATABASE $database"
trap 'psql -X -q "$DAYLIGHT_TEST_DATABASE_URL" -c "DROP DATABASE IF EXISTS $database WITH (FORCE)"' EXIT
export DATABASE_URL=${DAYLIGHT_TEST_DATABASE_URL/\/postgres\?/\/$database?}
daylight=${DAYLIGHT_BINARY:-.build/release/daylight}
DAYLIGHT_SCHEMA_DIR=schema "$daylight" migrate >&2
search() {
    python3 Benchmarks/search.py --daylight "$daylight" --python .bench/venv/bin/python "$@"
}
receipts() {
    .bench/venv/bin/python Benchmarks/receipts.py --daylight "$daylight" "$@"
}
if [ "${1:-}" = receipts ]; then
    shift
    receipts "$@"
elif [ "${1:-}" = appends ]; then
    shift
    python3 Benchmarks/appends.py --daylight "$daylight" "$@"
elif [ "${1:-}" = webhooks ]; then
    shift
    python3 Benchmarks/webhooks.py --daylight "$daylight" "$@"
elif [ "${1:-}" = search ]; then
    shift
    search "$@"
else
    python3 Benchmarks/bench.py --daylight "$daylight" --python .bench/venv/bin/python "$@"
    if [ $# -eq 0 ]; then
        # In databases of their own.
        Benchmarks/run.sh --rows 10000000 --rounds 1 --only large
        Benchmarks/run.sh --rows 1000000 --rounds 1 --only workbook rolled
        python3 Benchmarks/appends.py --daylight "$daylight"
        receipts
        python3 Benchmarks/webhooks.py --daylight "$daylight"
        # Last, since it makes the catalogue anew.
        search
    fi
fi
