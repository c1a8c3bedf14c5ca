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
# Pixels go by files in it, as they do on a desktop; where this machine has none, the editor still needs one.
if [ -d /dev/shm ]; then mount --bind /dev/shm "$root/dev/shm"; else mount -t tmpfs tmpfs "$root/dev/shm"; fi
mount -t tmpfs tmpfs "$root/tmp" # the socket by which Krita stays single lies in /tmp
IFS=: read -ra shared <<<"${SHARED:-}"
for folder in "${shared[@]}"; do
  mkdir -p "$root$folder"
  mount --bind "$folder" "$root$folder"
done
exec chroot "$root" "$@"
