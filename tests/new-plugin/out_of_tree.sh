#!/bin/sh
# out_of_tree.sh PREFIX WORK: the installed dtu-new-plugin makes one plugin of each kind, and they build against the installed
# SDK and nothing else, with every warning an error, and pass the installed dtu-plugin-check.
set -eu
prefix=$1
work=$2
export CMAKE="${CMAKE:-cmake}"
rm -rf "$work"
mkdir -p "$work"
cd "$work"
for kind in channel hal command; do
  "$prefix/bin/dtu-new-plugin" "$kind" far-away --vendor 'Far & Away' >"$kind.said"
  grep -q "cmake -S ./$kind-far-away -B ./$kind-far-away/build" "$kind.said" || { cat "$kind.said"; exit 1; }
  # Another -B than the one it names, so that what is made stays as it was made.
  "$CMAKE" -S "$kind-far-away" -B "build-$kind" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_FLAGS='-Wall -Wextra -Wpedantic -Werror' \
    -DCMAKE_C_COMPILER="${CC:-cc}" -DCMAKE_CXX_COMPILER="${CXX:-c++}" >"$kind.log" 2>&1 &&
    "$CMAKE" --build "build-$kind" >>"$kind.log" 2>&1 || { cat "$kind.log"; exit 1; }
  [ -s "build-$kind/$kind-far-away.so" ] || { echo "no build-$kind/$kind-far-away.so"; exit 1; }
  if [ -x "$prefix/bin/dtu-plugin-check" ]; then
    "$prefix/bin/dtu-plugin-check" "build-$kind/$kind-far-away.so" --config "$kind-far-away/test.json" || exit 1
  fi
done
