#!/bin/sh
# See to it that there is Xvfb, and what Qt needs of X; on Debian, as root.
set -eu
command -v Xvfb >/dev/null && ldconfig -p | grep -q libxcb-cursor && exit
{
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends xvfb fonts-dejavu-core \
    libegl1 libgl1 libdbus-1-3 libfontconfig1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 \
    libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-sync1 libxcb-xfixes0 libxcb-xkb1 libglib2.0-0
} >&2
