#!/usr/bin/env bash
# inside.sh ROOT COMMAND...: runs COMMAND in the chroot ROOT, or as it is if ROOT is "/".
#
# SHARED names folders that the chroot sees at their own paths, separated by colons. The mounts are made in a private
# namespace and go with the command, so that a later "rm -rf ROOT" reaches nothing but the chroot.
set -euo pipefail
root=$1
if [ "$root" = / ]; then shift; exec "$@"; fi
if [ "${MOUNTS_OF:-}" != $$ ]; then MOUNTS_OF=$$ exec unshare --mount --propagation private "$0" "$@"; fi
shift
unset MOUNTS_OF
mount -t proc proc "$root/proc"
mkdir -p "$root/dev/shm"
mount --bind /dev/shm "$root/dev/shm" # pixels go by files in it, as they do on a desktop
mount -t tmpfs tmpfs "$root/tmp" # the socket by which Krita stays single lies in /tmp
IFS=: read -ra shared <<<"${SHARED:-}"
for folder in "${shared[@]}"; do
  mkdir -p "$root$folder"
  mount --bind "$folder" "$root$folder"
done
exec chroot "$root" "$@"
