#!/usr/bin/env bash
# Installs the Debian packages that Daylight is built with and runs on. Says nothing where nothing is missing.
#
#   scripts/install-dependencies.sh         libpq, nettle, zlib, libxlsxwriter, PostgreSQL, and what finds and fetches them
#   scripts/install-dependencies.sh --ci    also Python with venv, for the checks that CI adds
set -euo pipefail

packages=(libpq-dev nettle-dev zlib1g-dev libxlsxwriter-dev postgresql pkg-config curl)
if [ "${1:-}" = --ci ]; then packages+=(python3 python3-venv); fi

if ! command -v dpkg-query >/dev/null; then
    missing=()
    command -v pg_config >/dev/null || missing+=("libpq with headers")
    command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing+=("PostgreSQL 15 or later")
    pkg-config --exists nettle 2>/dev/null || missing+=("nettle with headers")
    pkg-config --exists xlsxwriter 2>/dev/null || missing+=("libxlsxwriter with headers")
    [ -e /usr/include/zlib.h ] || command -v brew >/dev/null || missing+=("zlib with headers")
    [ ${#missing[@]} -eq 0 ] && exit 0
    printf 'Not a Debian system. Please install: %s\n' "${missing[@]}" >&2
    exit 1
fi

missing=()
for package in "${packages[@]}"; do
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "Missing packages: ${missing[*]}. Please run as root: apt-get install ${missing[*]}" >&2
        exit 1
    }
    as_root=(sudo)
fi
echo "Installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq

# Daylight starts its own clusters: installing PostgreSQL for it should not leave a server running on port 5432.
no_main_cluster=/etc/postgresql-common/createcluster.d/daylight.conf
"${as_root[@]}" mkdir -p "${no_main_cluster%/*}"
echo "create_main_cluster = false" | "${as_root[@]}" tee "$no_main_cluster" >/dev/null
status=0
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || status=$?
"${as_root[@]}" rm -f "$no_main_cluster"
exit "$status"
