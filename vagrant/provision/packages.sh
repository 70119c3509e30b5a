#!/bin/sh
# Debian packages. Machines without network have them already, and then this does nothing.
set -eu
list=$(dirname "$0")/packages.txt

# shellcheck disable=SC2046  # one word a package
set -- $(sed -e 's/#.*//' "$list")
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p')
missing=
for package in "$@"; do
    echo "$installed" | grep -qxF "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

export DEBIAN_FRONTEND=noninteractive
apt-get update -q=2
# shellcheck disable=SC2086
apt-get install -q=2 -y --no-install-recommends -o Dpkg::Use-Pty=0 $missing
# Debian starts these at once; they are configured, and then started, by the scripts that own them.
systemctl disable --now docker-registry.service 2>/dev/null || true
