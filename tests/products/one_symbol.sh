#!/bin/sh
# one_symbol.sh NM FOLDER: every object of the folder defines one global symbol, dtu_plugin_vN_<its name>. Fails when there
# is nothing to look at.
set -u
bad=0
seen=0
for object in "$2"/*.o; do
  [ -e "$object" ] || continue
  seen=$((seen + 1))
  name=$(basename "$object" .o | tr - _)
  symbols=$("$1" --extern-only --defined-only "$object" | awk '{print $NF}') || exit 1
  case "$symbols" in
    dtu_plugin_v[0-9]"_$name" | dtu_plugin_v[0-9][0-9]"_$name") ;;
    *)
      echo "$object: defines more than its descriptor, or not even that:" $symbols
      bad=1
      ;;
  esac
done
[ "$seen" -gt 0 ] || { echo "no object in $2"; exit 1; }
echo "$seen objects looked at"
exit $bad
