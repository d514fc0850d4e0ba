#!/bin/sh
# frozen_bites.sh COMPILER SDK: wrong edits of the headers, one at a time; the frozen table must catch each.
set -u
compiler=$1
sdk=$2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
missed=0

compiles() { "$compiler" -std=c++17 -fsyntax-only -I"$work" "$sdk/abi/frozen/v0.cpp" 2>"$work/said"; }

# edit WHAT FILE SED: the file must change, must still be good C, and the table must refuse it.
edit() {
  rm -rf "$work/dtu"
  cp -r "$sdk/include/dtu" "$work/dtu"
  sed -i "$3" "$work/dtu/$2"
  if cmp -s "$work/dtu/$2" "$sdk/include/dtu/$2"; then
    echo "$1: the edit does not fit the header any more"
    missed=1
  elif compiles; then
    echo "$1: not caught"
    missed=1
  elif ! grep -q 'static assertion failed\|static_assert failed\|no member named\|is not a member\|has no member' "$work/said"; then
    echo "$1: failed for another reason:"
    head -3 "$work/said"
    missed=1
  fi
}

cp -r "$sdk/include/dtu" "$work/dtu"
compiles || { echo "the headers as they are do not pass"; cat "$work/said"; exit 1; }
edit 'a field in the middle of a table' host.h 's/^  void (\*buf_ref)/  void (*extra)(void);\n&/'
edit 'a field at the end, not written down' host.h 's/^  int64_t (\*monotonic_ns).*/&\n  void (*extra)(void);/'
edit 'a value type that grows' message.h 's/uint64_t reserved\[2\]/uint64_t reserved[3]/'
edit 'another parameter type' channel.h 's/uint32_t n, uint32_t\* taken/uint64_t n, uint32_t* taken/'
edit 'a renamed field' abi.h 's/config_schema;/schema;/'
edit 'a function removed' channel.h 's/^  dtu_status (\*flush).*//'
edit 'two functions of one type swapped' host.h 's/(\*buf_ref)/(*swap_)/; s/(\*buf_unref)/(*buf_ref)/; s/(\*swap_)/(*buf_unref)/'
edit 'another value of a constant' abi.h 's/^#define DTU_E_IO (-4)/#define DTU_E_IO (-40)/'
edit 'another interface id' ports.h 's|"dtu.ports/1"|"dtu.ports/2"|'
edit 'another callback type' services.h 's/^typedef void (\*dtu_fn)(void\* ctx);/typedef int (*dtu_fn)(void* ctx);/'
exit $missed
