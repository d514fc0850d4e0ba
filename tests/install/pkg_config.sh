#!/bin/sh
# pkg_config.sh PREFIX WORK ONE_EXPORT: a plugin by hand, with what pkg-config says; it exports its descriptor and nothing else.
set -eu
command -v pkg-config >/dev/null || { echo "skipped: there is no pkg-config"; exit 77; }
prefix=$1 work=$2
export PKG_CONFIG_PATH="$prefix/share/pkgconfig"
mkdir -p "$work"
# shellcheck disable=SC2046
"$CXX" -std=c++17 -O1 $(pkg-config --cflags dtukit-plugin) "$prefix/share/dtukit/examples/command-cpp/plugin.cpp" \
  $(pkg-config --libs dtukit-plugin) -o "$work/command-checksum.so"
"$3" "$work"
plugins=$(readlink -f "$(pkg-config --variable=plugindir dtukit-plugin)")
[ "$plugins" = "$(readlink -f "$prefix/lib/dtukit/plugins")" ] || { echo "plugindir is $plugins"; exit 1; }
# What nobody has is refused at the vendor's link, not on the customer's board.
echo 'extern "C" int nobody_has_this(); int call() { return nobody_has_this(); }' >"$work/unresolved.cpp"
# shellcheck disable=SC2046
if "$CXX" $(pkg-config --cflags dtukit-plugin) "$work/unresolved.cpp" $(pkg-config --libs dtukit-plugin) \
    -o "$work/unresolved.out" 2>"$work/said"; then
  echo "an unresolved symbol was linked"; exit 1
fi
grep -q nobody_has_this "$work/said"
