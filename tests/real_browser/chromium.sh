#!/bin/sh
# Say where there is a Chromium; Debian's is installed if there is none, which needs root.
set -eu
find_one() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
find_one && exit
{
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends chromium fonts-dejavu-core
} >&2
find_one
