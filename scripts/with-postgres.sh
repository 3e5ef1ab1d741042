#!/usr/bin/env bash
# Runs a command with a throw-away PostgreSQL: scripts/with-postgres.sh swift test
#
# The cluster lives in a temporary directory, listens on a Unix socket only, does without fsync, and is gone
# afterwards, also after Ctrl-C. The command finds it in DAYLIGHT_TEST_DATABASE_URL (superuser `postgres`).
# Where that variable is set already, that server is used and nothing is started.
# DAYLIGHT_TEST_POSTGRES_OPTIONS adds server options, such as "-c shared_buffers=2GB".
set -euo pipefail

[ $# -gt 0 ] || {
    echo "usage: $0 COMMAND [ARGUMENT…]" >&2
    exit 64
}
[ -z "${DAYLIGHT_TEST_DATABASE_URL:-}" ] || exec "$@"

source "$(dirname "${BASH_SOURCE[0]}")/postgres.sh"

home=$(mktemp -d "${TMPDIR:-/tmp}/daylight-test.XXXXXX")
clean_up() {
    trap '' INT TERM
    stop_cluster "$home" immediate
    rm -rf "$home"
}
trap clean_up EXIT
if [ "$(id -u)" -eq 0 ]; then chown "$(cluster_user)" "$home"; fi
initialize_cluster "$home" --no-sync
start_cluster "$home" "$home" -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
    -c max_connections=1000 -c shared_buffers=256MB -c max_wal_size=4GB -c jit=off "${DAYLIGHT_TEST_POSTGRES_OPTIONS:-}"
export DAYLIGHT_TEST_DATABASE_URL="postgresql:///postgres?host=$home&user=postgres"

# In the background, so that a signal is passed on at once and the cluster is taken down after the command has ended.
"$@" <&0 &
child=$!
trap 'kill -TERM "$child" 2>/dev/null || :' INT TERM HUP
status=0
wait "$child" || status=$?
while kill -0 "$child" 2>/dev/null; do
    status=0
    wait "$child" || status=$?
done
exit "$status"
