#!/usr/bin/env bash
# Sends generated requests to the server that `make build` has built, with demonstration data, for at most four minutes,
# and fails on a server error or on an answer that openapi.yaml does not allow.
#
#   SCHEMATHESIS_SECONDS   time for each of the two runs: without a key, and with one (60)
#   DAYLIGHT_BINARY        the program to run (the one of `make build`)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${SCHEMATHESIS_SECONDS:-60}
tools=.build/schemathesis
if [ ! -x "$tools/bin/schemathesis" ]; then
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check schemathesis==4.32.5
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/daylight-schemathesis.XXXXXX")
server=''
clean_up() {
    trap '' INT TERM
    if [ -n "$server" ] && kill -0 "$server" 2>/dev/null; then
        kill -TERM "$server"
        wait "$server" || :
    fi
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
binary=${DAYLIGHT_BINARY:-$(swift build -c release --show-bin-path)/daylight}
# The limits would answer most of the requests; they have tests of their own.
env -u DATABASE_URL DAYLIGHT_HOME="$work/home" DAYLIGHT_PORT="$port" DAYLIGHT_BINARY="$binary" DAYLIGHT_RATE_LIMITS='*.*=1000000/1' \
    scripts/run.sh >"$work/server.log" 2>&1 &
server=$!
ready=false
for _ in $(seq 600); do
    if curl --silent --fail --output /dev/null "http://127.0.0.1:$port/health/ready"; then ready=true; break; fi
    kill -0 "$server" 2>/dev/null || break
    sleep 0.5
done
if [ "$ready" != true ]; then
    echo "the server did not start:" >&2
    tail -n 40 "$work/server.log" >&2
    exit 1
fi

# One worker: CPython 3.11 cannot parse in two threads at once (cpython issue 106905), and the tool does. The checks that are left out are about what a schema
# cannot say: whether well-formed input is welcome (a department that does not exist is well-formed), and answers to ids that another request has removed.
# An event stream has no end to wait for; ContractTests hold it to the contract.
run() {
    (cd "$work" && timeout --signal=INT --kill-after=20s $((seconds + 30)) \
        "$OLDPWD/$tools/bin/schemathesis" --config-file "$OLDPWD/scripts/checks/schemathesis.toml" run \
        "http://127.0.0.1:$port/openapi.yaml" --url "http://127.0.0.1:$port" \
        --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,unsupported_method \
        --exclude-operation-id followChanges \
        --phases examples,coverage,fuzzing --max-time "$seconds" --workers 1 --continue-on-failure --request-timeout 20 --seed 2 --no-color \
        --generation-database none --warnings off "$@")
}

echo "schemathesis without a key, $seconds s"
run
key=$(sed -n 's/^DAYLIGHT_ADMIN_KEY=//p' "$work/home/demo.env")
[ -n "$key" ] || { echo "no key in demo.env" >&2; exit 1; }
echo "schemathesis with a key, $seconds s"
run --header "Authorization: Bearer $key"
