#!/bin/sh
# libcxx.sh PREFIX WORK TESTS CLANGXX: plugins by clang with libc++, for a kernel by another compiler with libstdc++.
set -eu
prefix=$1 work=$2 tests=$3 clangxx=$4
rm -rf "$work"
mkdir -p "$work"
echo '#include <string>' >"$work/try.cpp"
"$clangxx" -stdlib=libc++ -fsyntax-only "$work/try.cpp" 2>/dev/null ||
  { echo "skipped: there is no libc++ (Debian: clang-14 libc++-14-dev libc++abi-14-dev)"; exit 77; }
for folder in "$prefix/share/dtukit/examples/hal-cpp" "$prefix/share/dtukit/examples/command-cpp" "$tests/thrower"; do
  name=$(basename "$folder")
  "$CMAKE" -G Ninja -S "$folder" -B "$work/$name" -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_CXX_COMPILER="$clangxx" -DCMAKE_CXX_FLAGS="-stdlib=libc++ -Wall -Wextra -Wpedantic -Werror"
  "$CMAKE" --build "$work/$name"
  "$CMAKE" --install "$work/$name" --prefix "$work/root" >/dev/null
done
for plugin in "$work"/root/lib/dtukit/plugins/*.so; do
  readelf -d "$plugin" | grep -q 'NEEDED.*libc++\.so' || { echo "$plugin does not use libc++"; exit 1; }
done
