#!/usr/bin/env bash
# Builds Daylight, starts a private PostgreSQL for it, loads demonstration data the first time, and serves.
#
#   DAYLIGHT_PORT   port on 127.0.0.1 (8080)
#   DAYLIGHT_HOME   where the cluster and the demonstration keys live (.daylight)
#   DATABASE_URL    use this PostgreSQL server instead of a private cluster
#   DAYLIGHT_BINARY serve with this program instead of building one
#
# Ctrl-C stops the server, then the cluster. A second run keeps the data.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/postgres.sh

port=${DAYLIGHT_PORT:-8080}
home=${DAYLIGHT_HOME:-.daylight}
mkdir -p "$home"
home=$(cd "$home" && pwd)
demo_keys=$home/demo.env

scripts/install-dependencies.sh
if [ -n "${DAYLIGHT_BINARY:-}" ]; then
    daylight=$DAYLIGHT_BINARY
else
    swift build -c release --product daylight
    daylight=$(swift build -c release --show-bin-path)/daylight
fi

# One run per home. The lock is let go when this script ends, however it ends; no child inherits it.
exec 9>"$home/lock"
if ! flock --nonblock 9; then
    echo "Daylight is already running from $home. Stop that one, or set DAYLIGHT_HOME." >&2
    exit 1
fi

cluster='' socket='' server=''
clean_up() {
    trap '' INT TERM HUP
    if [ -n "$server" ] && kill -0 "$server" 2>/dev/null; then
        kill -TERM "$server"
        wait "$server" || :
    fi
    if [ -n "$cluster" ]; then stop_cluster "$cluster" fast 9>&-; fi
    if [ -n "$socket" ] && [ "$socket" != "$cluster" ]; then rm -rf "$socket"; fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Makes the folder of the cluster. When root borrows a user that cannot reach $home, the cluster lives elsewhere.
prepare_cluster_directory() {
    cluster=$home/postgres
    if [ "$(id -u)" -eq 0 ]; then
        chmod 711 "$home"
        if [ ! -e "$cluster" ]; then
            mkdir -m 700 "$cluster"
            chown "$(cluster_user)" "$cluster"
            if ! as_cluster_user test -w "$cluster"; then
                rmdir "$cluster"
                local elsewhere
                elsewhere=/var/lib/daylight-$(sha256sum <<<"$home" | cut -c 1-12)
                mkdir -p -m 700 "$elsewhere"
                chown "$(cluster_user)" "$elsewhere"
                ln -s "$elsewhere" "$cluster"
                echo "The user $(cluster_user) cannot reach $home; the cluster lives in $elsewhere."
            fi
        fi
        cluster=$(readlink -f "$cluster")
    else
        chmod 700 "$home"
        mkdir -p -m 700 "$cluster"
    fi
}

start_private_cluster() {
    prepare_cluster_directory
    [ -f "$cluster/data/PG_VERSION" ] || initialize_cluster "$cluster"
    # A run that was killed leaves its cluster behind; nobody else can hold it, because we have the lock.
    if as_cluster_user "$(postgres_binaries)/pg_ctl" status --pgdata="$cluster/data" >/dev/null 2>&1; then
        stop_cluster "$cluster" fast
    fi
    # The path of a Unix socket has room for 107 bytes.
    socket=$cluster
    if [ ${#socket} -gt 85 ]; then
        socket=$(mktemp -d /tmp/daylight.XXXXXX)
        if [ "$(id -u)" -eq 0 ]; then chown "$(cluster_user)" "$socket"; fi
    fi
    start_cluster "$cluster" "$socket" -c max_connections=100 -c shared_buffers=256MB -c max_wal_size=2GB -c jit=off
    local server_url="postgresql:///postgres?host=$socket&user=postgres"
    if [ "$(psql "$server_url" -Atqc "SELECT count(*) FROM pg_database WHERE datname = 'daylight'")" = 0 ]; then
        psql "$server_url" -qc "CREATE DATABASE daylight"
    fi
    export DATABASE_URL="postgresql:///daylight?host=$socket&user=postgres"
}

if [ -z "${DATABASE_URL:-}" ]; then start_private_cluster 9>&-; fi

# No admin port unless one is asked for: several runs on one machine would collide on the default one.
export DAYLIGHT_PORT=$port DAYLIGHT_HOME=$home DAYLIGHT_ADMIN_PORT=${DAYLIGHT_ADMIN_PORT:-off}
"$daylight" migrate 9>&-
"$daylight" profiles load schema/profiles 9>&-
"$daylight" reference load schema/reference 9>&-
if [ ! -f "$demo_keys" ]; then
    echo "Loading demonstration data…"
    "$daylight" demo load --keys-file "$demo_keys" 9>&-
fi

"$daylight" serve 9>&- &
server=$!
address=http://127.0.0.1:$port
for _ in $(seq 300); do
    if curl --silent --fail --output /dev/null "$address/health/ready"; then
        cat <<TEXT

Daylight serves on $address   (Ctrl-C stops it)

  curl -G '$address/v1/datasets' --data-urlencode q=空气
  curl '$address/v1/datasets/yaan-air-hourly/rows?pm25__gte=75&sort=-hour&limit=3'
  curl -OJ '$address/v1/datasets/yaan-budget-lines/data.csv'

Demonstration keys: $demo_keys

TEXT
        break
    fi
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
done
status=0
wait "$server" || status=$?
server=''
exit "$status"
