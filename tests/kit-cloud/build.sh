#!/bin/sh
# build.sh PREFIX FOLDER WORK ONE_EXPORT [FLAGS]: a cloud of FOLDER is small, and builds with find_package against the SDK
# installed in PREFIX and nothing else, with every warning an error.
set -eu
prefix=$1 folder=$2 work=$3 one_export=$4 flags=${5:-}
most=300
lines=$(find "$folder" -type f -exec cat {} + | wc -l)
[ "$lines" -lt $most ] || { echo "$folder has $lines lines: a cloud on the kit has less than $most"; exit 1; }
echo "$lines lines"

rm -rf "$work"
mkdir -p "$work"
cp -R "$folder" "$work/source"  # so that nothing of the tree beside it can be found
"$CMAKE" -G Ninja -S "$work/source" -B "$work/build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix" \
  -DCMAKE_INSTALL_PREFIX="$work/root" -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" \
  -DCMAKE_CXX_FLAGS="-Wall -Wextra -Wpedantic -Werror $flags" -DCMAKE_C_FLAGS="$flags" --no-warn-unused-cli
"$CMAKE" --build "$work/build"
"$CMAKE" --install "$work/build" >/dev/null
"$one_export" "$work/root/lib/dtukit/plugins/channel-acme.so"

# Each header that is installed compiles, and beside the others.
mkdir -p "$work/headers"
(cd "$prefix/include" && find dtu/kit -name '*.hpp' | sort | sed 's/.*/#include <&>/') >"$work/headers/all.cpp"
grep -q mqtt/session.hpp "$work/headers/all.cpp" || { echo "the headers of the kit are not installed"; exit 1; }
cat >"$work/headers/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.22)
project(headers LANGUAGES C CXX)
find_package(dtukit-plugin REQUIRED COMPONENTS http mqtt net port program tls)
add_library(headers OBJECT all.cpp)
target_link_libraries(headers PRIVATE dtukit::http dtukit::mqtt dtukit::net dtukit::port dtukit::program dtukit::tls)
END
"$CMAKE" -G Ninja -S "$work/headers" -B "$work/headers/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$CXX" \
  -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_FLAGS="-Wall -Wextra -Wpedantic -Werror" >/dev/null
"$CMAKE" --build "$work/headers/build"

# A component that is asked for and is none is named; one that is not asked for needs nothing.
for what in "COMPONENTS cloud" ""; do
  mkdir -p "$work/other"
  printf 'cmake_minimum_required(VERSION 3.22)\nproject(other CXX)\nfind_package(dtukit-plugin REQUIRED %s)\n%s\n' "$what" \
    'if(Poco_FOUND OR OpenSSL_FOUND OR TARGET dtukit::mqtt)
  message(FATAL_ERROR "libraries were looked for that nobody asked for")
endif()' >"$work/other/CMakeLists.txt"
  rm -rf "$work/other/build"
  "$CMAKE" -S "$work/other" -B "$work/other/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$CXX" \
    >"$work/said" 2>&1 && built=yes || built=no
  case "$what:$built" in
    :yes) ;;
    COMPONENTS*:no) grep -q 'no component "cloud"' "$work/said" || { cat "$work/said"; exit 1; } ;;
    *) cat "$work/said"; exit 1 ;;
  esac
done
