#!/bin/sh
# gate_bites.sh GATE SDK CC CXX: edits of the headers, one at a time, and what the gate has to say to each. The two nets
# behind it are looked at one by one too, so that a hole in one of them is known here, not found in a release.
#
#   gate     0 the same, 4 only additions, 1 changed
#   frozen   0 the table compiles, 1 it does not
#   abidiff  0 no difference, 4 some
set -u
gate=$1
sdk=$2
cc=$3
cxx=$4
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
here=$(dirname "$gate")
wrong=0

# edit WHAT GATE FROZEN ABIDIFF FILE SED
edit() {
  rm -rf "$work/include"
  mkdir -p "$work/include"
  cp -r "$sdk/include/dtu" "$work/include/dtu"
  sed -i "$6" "$work/include/dtu/$5"
  if [ -n "$6" ] && cmp -s "$work/include/dtu/$5" "$sdk/include/dtu/$5"; then
    echo "$1: the edit does not fit the header any more"
    wrong=1
    return
  fi
  "$gate" check "$work" "$cc" "$cxx" >"$work/said" 2>&1
  said=$?
  "$cxx" -std=c++17 -fsyntax-only -I"$work/include" "$here/frozen/v0.cpp" 2>/dev/null
  frozen=$?
  [ $frozen -eq 0 ] || frozen=1
  abidiff=$(sed -n 's/^abidiff --harmless answered \([0-9]*\):$/\1/p' "$work/said")
  abidiff=${abidiff:-0}
  printf '%-40s gate %s (%s)  frozen %s (%s)  abidiff %s (%s)\n' "$1" $said "$2" $frozen "$3" $abidiff "$4"
  if [ "$said $frozen $abidiff" != "$2 $3 $4" ]; then
    sed 's/^/    /' "$work/said" | head -30
    wrong=1
  fi
}

printf '%-40s what was found (what was wanted)\n' 'edit'
edit 'unchanged' 0 0 0 abi.h ''
edit 'a comment' 0 0 0 host.h 's|^/\* What the host offers|/* All that the host offers|'
edit 'a field at the end of dtu_host' 4 1 4 host.h 's/^  int64_t (\*monotonic_ns).*/&\n  void (*extra)(dtu_instance*);/'
edit 'a field at the end of dtu_channel' 4 1 4 channel.h 's/^  dtu_status (\*flush).*/&\n  void (*extra)(void* self);/'
edit 'a field in the middle' 1 1 4 host.h 's/^  void (\*buf_ref)/  void (*extra)(void);\n&/'
edit 'a value type that grows' 1 1 4 message.h 's/uint64_t reserved\[2\]/uint64_t reserved[3]/'
edit 'another parameter type' 1 1 4 channel.h 's/uint32_t n, uint32_t\* taken/uint64_t n, uint32_t* taken/'
edit 'another type of an appended function' 1 1 4 channel.h 's/(\*flush)(void\* self, uint32_t/(*flush)(void* self, uint64_t/'
edit 'a renamed field' 1 1 4 abi.h 's/config_schema;/schema;/'
edit 'a function removed from the end' 1 1 4 channel.h 's/^  dtu_status (\*flush).*//'
edit 'a function removed from the middle' 1 1 4 host.h 's/^  void (\*buf_ref).*//'
edit 'two functions of one type swapped' 1 1 4 host.h 's/(\*buf_ref)/(*swap_)/; s/(\*buf_unref)/(*buf_ref)/; s/(\*swap_)/(*buf_unref)/'
edit 'signed for unsigned' 1 1 4 message.h 's/^  uint32_t prop_count;/  int32_t prop_count;/'
edit 'two fields of a descriptor swapped' 1 1 4 abi.h 's/^  const char\* type; .*/  const char* title;/; t; s/^  const char\* title; .*/  const char* type;/'
edit 'another value of a constant' 1 1 0 abi.h 's/^#define DTU_E_IO (-4)/#define DTU_E_IO (-40)/'
edit 'another interface id' 1 1 0 ports.h 's|"dtu.ports/1"|"dtu.ports/2"|'
exit $wrong
