#!/bin/sh
# release_test.sh SDK CHECK: a release is made once, whole, and what is done to it afterwards is noticed.
set -u
release=$1/abi/release.sh
check=$2
work=$(mktemp -d) || exit 1
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
failed=0
expect() { # WHAT WANTED-STATUS COMMAND...
  what=$1 wanted=$2
  shift 2
  "$@" >"$work/said" 2>&1
  got=$?
  [ $got -eq "$wanted" ] && return
  echo "$what: exit status $got, not $wanted"
  cat "$work/said"
  failed=1
}
expect 'a release' 0 "$release" 7.1 "$work/out"
for file in ABI SHA256SUMS frozen.cpp include/dtu/abi.h include/dtu/sdk/glue.hpp plugins/echo.c; do
  [ -s "$work/out/7.1/$file" ] || { echo "a release has no $file"; failed=1; }
done
diff -r "$1/include" "$work/out/7.1/include" || failed=1
expect 'as it was made' 0 "$check" "$work/out/7.1"
expect 'the same release again' 2 "$release" 7.1 "$work/out"
expect 'a release by another name' 2 "$release" ../7 "$work/out"
expect 'no name' 2 "$release"
[ "$(ls -A "$work/out")" = 7.1 ] || { echo "something was left behind: $(ls -A "$work/out")"; failed=1; }
cp -R "$work/out/7.1" "$work/edited" && echo '/* better */' >>"$work/edited/include/dtu/host.h"
expect 'an edited header' 1 "$check" "$work/edited"
cp -R "$work/out/7.1" "$work/added" && echo 'int more;' >"$work/added/plugins/more.c"
expect 'an added file' 1 "$check" "$work/added"
cp -R "$work/out/7.1" "$work/removed" && rm "$work/removed/plugins/echo.c"
expect 'a removed file' 1 "$check" "$work/removed"
cp -R "$work/out/7.1" "$work/bare" && rm "$work/bare/SHA256SUMS"
expect 'no checksums' 1 "$check" "$work/bare"
exit $failed
