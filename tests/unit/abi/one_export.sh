#!/bin/sh
# one_export.sh FILE|FOLDER...: every shared object exports exactly one symbol, dtu_plugin_vN. A sanitizer's own names
# (__asan_..., __odr_asan...) do not count. Fails when there is nothing to look at.
set -u
seen=0
bad=0
for place in "$@"; do
  [ -d "$place" ] && set -- "$place"/*.so || set -- "$place"
  for file in "$@"; do
    [ -e "$file" ] || continue
    seen=$((seen + 1))
    names=$(nm -D --defined-only "$file") || exit 1
    names=$(printf '%s\n' "$names" | awk '{print $NF}' | grep -Ev '^__(odr_)?(asan|ubsan|tsan|lsan|sanitizer)')
    case "$names" in
      dtu_plugin_v[0-9] | dtu_plugin_v[0-9][0-9]) ;;
      *)
        echo "$file: exports more than its descriptor, or not even that:" $names
        bad=1
        ;;
    esac
  done
done
[ "$seen" -gt 0 ] || { echo "no shared object in $*"; exit 1; }
echo "$seen files looked at"
exit $bad
