#!/bin/bash
# readme.sh README BUILD WORK: the README's block about a new plugin as it is pasted into a shell, with the plugin made here.
set -eu
readme=$1 build=$2 work=$3
rm -rf "$work"
mkdir -p "$work"
awk '/^```sh/ {block = ""; inside = 1; next} /^```/ {if (block ~ /my-cloud.down/) printf "%s", block; inside = 0}
  inside {block = block $0 "\n"}' "$readme" |
  sed "s|/tmp/try|$work|g; s|~/dtukit/build/release|$build|g; s|my-cloud|made-here|g" >"$work/block"
grep -q 'kill %1' "$work/block" || { echo "$readme has no such block"; exit 1; }
DTUKIT_PLUGIN_PATH="$build/new-plugins:$build/plugins" timeout 100 bash "$work/block" >"$work/said" 2>"$work/log" || true
for line in measured order; do
  grep -qx "$line" "$work/said" || { cat "$work/said" "$work/log"; echo "\"$line\" did not arrive"; exit 1; }
done
grep -qw up "$work/said" || { cat "$work/said"; exit 1; }
