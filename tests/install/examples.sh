#!/bin/sh
# examples.sh PREFIX WORK: each example, as it is installed, is a project that builds and is installed with find_package alone.
set -eu
prefix=$1 work=$2
rm -rf "$work"
for folder in "$prefix"/share/dtukit/examples/*/; do
  name=$(basename "$folder")
  "$CMAKE" -G Ninja -S "$folder" -B "$work/$name" -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_C_FLAGS="-Wall -Wextra -Wpedantic -Werror" \
    -DCMAKE_CXX_FLAGS="-Wall -Wextra -Wpedantic -Werror" --no-warn-unused-cli
  "$CMAKE" --build "$work/$name"
  "$CMAKE" --install "$work/$name" --prefix "$work/root" >/dev/null
done
ls "$work/root/lib/dtukit/plugins"
