#!/bin/sh
# versions.sh PREFIX WORK: find_package takes the ABI that is there, and any older minor; never another major.
set -eu
prefix=$1 work=$2
rm -rf "$work"
number() { sed -n "s/^#define DTU_ABI_$1 \([0-9]*\)\$/\1/p" "$prefix/include/dtu/abi.h"; }
major=$(number MAJOR) minor=$(number MINOR)
ask() {  # version
  mkdir -p "$work/$1"
  printf 'cmake_minimum_required(VERSION 3.22)\nproject(asks LANGUAGES NONE)\nfind_package(dtukit-plugin %s REQUIRED)\n' "$1" \
    >"$work/$1/CMakeLists.txt"
  "$CMAKE" -S "$work/$1" -B "$work/$1/build" -DCMAKE_PREFIX_PATH="$prefix" >"$work/$1/said" 2>&1
}
{ ask "$major.0" && ask "$major.$minor"; } || { cat "$work"/*/said; exit 1; }
for wrong in "$major.$((minor + 1))" "$((major + 1)).0"; do
  if ask "$wrong"; then echo "find_package took $major.$minor for $wrong"; exit 1; fi
  grep -q "version: $major.$minor" "$work/$wrong/said" || { cat "$work/$wrong/said"; exit 1; }
done
