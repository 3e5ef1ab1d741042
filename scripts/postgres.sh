# Starting and stopping a private PostgreSQL cluster. Sourced by with-postgres.sh and run.sh.
#
# A private cluster listens on a Unix socket only, in a directory that nobody else can enter.
# PostgreSQL refuses to run as root, so root borrows an unprivileged user.

# Prints the directory that holds initdb and pg_ctl, the newest when there are several.
postgres_binaries() {
    local directory
    directory=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
    if [ -n "$directory" ] && [ -x "$directory/initdb" ]; then
        echo "$directory"
    elif command -v initdb >/dev/null && command -v pg_ctl >/dev/null; then
        dirname "$(command -v initdb)"
    else
        echo "PostgreSQL is not installed: run scripts/install-dependencies.sh" >&2
        return 1
    fi
}

# Prints the user that a cluster runs as. Root makes the user `daylight` where there is no `postgres`.
cluster_user() {
    if [ "$(id -u)" -ne 0 ]; then
        id -un
    elif id postgres >/dev/null 2>&1; then
        echo postgres
    else
        id daylight >/dev/null 2>&1 ||
            useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin daylight >&2
        echo daylight
    fi
}

# Runs a command as the user that the cluster runs as.
as_cluster_user() {
    if [ "$(id -u)" -eq 0 ]; then
        (cd / && runuser -u "$(cluster_user)" -- "$@")
    else
        "$@"
    fi
}

# initialize_cluster DIRECTORY [initdb option…]: makes a cluster in DIRECTORY/data whose superuser is `postgres`.
# `trust` is safe here: only the cluster's own user and root can reach the socket.
initialize_cluster() {
    local home=$1 log
    shift
    log=$(as_cluster_user "$(postgres_binaries)/initdb" --pgdata="$home/data" --username=postgres \
        --auth=trust --encoding=UTF8 --locale=C.UTF-8 "$@" 2>&1) || {
        echo "$log" >&2
        return 1
    }
}

# start_cluster DIRECTORY SOCKET_DIRECTORY [postgres option…]: starts the cluster and waits until it answers.
start_cluster() {
    local home=$1 socket=$2 log
    shift 2
    log=$(as_cluster_user "$(postgres_binaries)/pg_ctl" start --pgdata="$home/data" --log="$home/postgres.log" --wait --silent \
        --options="-c listen_addresses='' -c unix_socket_directories='$socket' -c unix_socket_permissions=0700 $*" 2>&1) || {
        echo "$log" >&2
        tail -n 20 "$home/postgres.log" >&2
        return 1
    }
}

# stop_cluster DIRECTORY MODE: stops the cluster; MODE is `fast` (clean) or `immediate` (for what is thrown away).
stop_cluster() {
    local home=$1 mode=$2
    if [ -f "$home/data/postmaster.pid" ]; then
        as_cluster_user "$(postgres_binaries)/pg_ctl" stop --pgdata="$home/data" --mode="$mode" --wait --silent
    fi
}
