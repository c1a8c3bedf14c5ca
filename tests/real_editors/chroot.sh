#!/usr/bin/env bash
# chroot.sh SUITE FOLDER PACKAGE...: a Debian with these packages in FOLDER, used again if it is there. Needs root.
#
# What is missing of the packages is installed. The archive is the one that this machine's apt uses, or EDITORS_MIRROR.
set -euo pipefail
suite=$1 folder=$(realpath -m "$2")
shift 2
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

missing=()
for package in debootstrap xvfb xdotool imagemagick openbox; do
  dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  apt-get update -q
  apt-get -o DPkg::Lock::Timeout=300 install -yq --no-install-recommends "${missing[@]}"
fi
here=$(cd "$(dirname "$0")" && pwd)
install() {
  "$here/inside.sh" "$1" apt-get update -q
  "$here/inside.sh" "$1" apt-get install -yq --no-install-recommends "${@:2}"
  rm -rf "$1"/var/cache/apt/archives/*.deb
}
if [ -d "$folder" ]; then
  for package in "$@"; do
    [ -e "$folder/var/lib/dpkg/info/$package.list" ] || [ -n "$(ls "$folder/var/lib/dpkg/info/$package":*.list 2>/dev/null)" ] \
      || { install "$folder" "$@"; break; }
  done
  exit 0
fi

mirror=${EDITORS_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Component: main' | grep -v security | head -n 1)}
[ -n "$mirror" ] || { echo "apt names no archive: set EDITORS_MIRROR"; exit 1; }
script=/usr/share/debootstrap/scripts/$suite
[ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid # a suite newer than debootstrap

# The folder appears under its name only when it is complete.
new=$folder.new
mkdir -p "$(dirname "$folder")"
rm -rf "$new"
debootstrap --variant=minbase --components=main "$suite" "$new" "$mirror" "$script"
printf '#!/bin/sh\nexit 101\n' >"$new/usr/sbin/policy-rc.d" # start no services
chmod +x "$new/usr/sbin/policy-rc.d"
echo force-unsafe-io >"$new/etc/dpkg/dpkg.cfg.d/unsafe-io"
printf 'path-exclude=/usr/share/%s/*\n' doc man locale >"$new/etc/dpkg/dpkg.cfg.d/nodoc"
apt-config dump | grep -E '^Acquire::(http|https|Check)' >"$new/etc/apt/apt.conf.d/90host" || true # proxies and the like
cp /etc/resolv.conf "$new/etc/resolv.conf" || true
install "$new" "$@"
mv "$new" "$folder"
