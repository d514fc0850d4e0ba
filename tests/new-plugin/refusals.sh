#!/bin/sh
# refusals.sh TOOL: what dtu-new-plugin does not take, and that it then leaves everything as it was.
set -u
tool=$1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0
refused() { # WORDS ARGUMENTS...
  words=$1
  shift
  said=$("$tool" "$@" --dir "$work/out" 2>&1)
  status=$?
  case $said in
    *"$words"*) [ $status -eq 2 ] && return ;;
  esac
  echo "$*: exit status $status, said: $said"
  echo "    wanted: 2, \"$words\""
  failed=1
}
mkdir "$work/out"
refused 'is not a kind of plugin: channel, hal or command' driver x
refused 'is not a kind of plugin' ../channel x
refused 'a-z, 0-9 and - only' channel My-Cloud
refused 'a-z, 0-9 and - only' channel 'my cloud'
refused 'a-z, 0-9 and - only' channel ../x
refused 'a-z, 0-9 and - only' channel 'x
y'
refused 'a-z, 0-9 and - only' channel é
refused 'begin with a letter' channel 2g
refused 'may not end with -' channel x-
refused 'is 33 characters long' channel aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
refused 'one line without' channel x --vendor 'A "great" company'
refused 'one line without' channel x --vendor 'A
B'
refused 'one line without' channel x --vendor ''
refused 'letters, digits' channel x --id 'com/example'
refused 'unknown option' channel x --colour blue
refused 'is too many' channel x y
refused 'channel|hal|command NAME' channel
[ -z "$(ls -A "$work/out")" ] || { echo "left behind: $(ls -A "$work/out")"; failed=1; }

"$tool" channel x --dir "$work/out" >/dev/null || failed=1
echo mine >"$work/out/channel-x/plugin.cpp"
refused 'exists already: nothing was changed' channel x
[ "$(cat "$work/out/channel-x/plugin.cpp")" = mine ] || { echo 'it was written over'; failed=1; }
ln -s nowhere "$work/out/channel-link"
refused 'exists already' channel link
said=$("$tool" channel y --dir "$work/out" --id 2>&1) && failed=1
case $said in *'--id needs a value'*) ;; *) echo "an option without value: $said"; failed=1 ;; esac
mkdir "$work/out/sub"
said=$("$tool" hal x --dir "$work/none" 2>&1) && failed=1
case $said in *'there is no folder'*) ;; *) echo "a missing folder: $said"; failed=1 ;; esac
# Every letter of the longest name arrives everywhere, and a name of C++ words is no trouble.
"$tool" command aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa --dir "$work/out/sub" >/dev/null || failed=1
"$tool" command new-class --dir "$work/out/sub" --id com.acme.greet --vendor 'A & B \n'"" >/dev/null 2>&1 && { echo 'a backslash was taken'; failed=1; }
"$tool" command new-class --dir "$work/out/sub" --id com.acme.greet --vendor 'A & B' >/dev/null || failed=1
grep -q '"com.acme.greet", "0.1.0", "A & B"' "$work/out/sub/command-new-class/plugin.cpp" || { echo 'id or vendor are not in plugin.cpp'; failed=1; }
grep -q 'class NewClassCommands ' "$work/out/sub/command-new-class/plugin.cpp" || { echo 'no class NewClassCommands'; failed=1; }
exit $failed
