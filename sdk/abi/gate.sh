#!/bin/sh
# gate.sh check SDK [CC [CXX]]: compares the headers of SDK with the baseline of the last state that was agreed on, and
#   with the frozen table. Exit status 0: the same; 4: only additions, which need a new baseline and the minor; 1: what
#   was there has changed; 2: cannot tell. What abidiff says goes to standard output.
# gate.sh baseline SDK [CC]: writes the baseline anew, sdk/abi/baseline/v<major>-<machine>.xml.
#
# abidiff runs with --harmless (a rename is "harmless" to it) and without any suppression: those that let a table grow at
# its end hide a changed type in the same table too. It does not see the value of a #define; the frozen table does.
set -u
usage() {
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
}
[ $# -ge 2 ] || usage
doing=$1
sdk=$(cd "$2" && pwd) || exit 2
cc=${3:-gcc}
cxx=${4:-g++}
here=$(cd "$(dirname "$0")" && pwd) || exit 2
command -v abidw >/dev/null && command -v abidiff >/dev/null || {
  echo "gate.sh: abidw and abidiff are needed: apt-get install abigail-tools" >&2
  exit 2
}
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

machine=$("$cc" -dumpmachine | cut -d- -f1)
number() { "$cc" -I"$sdk/include" -dM -E -include dtu/abi.h -x c /dev/null | sed -n "s/^#define $1 \([0-9]*\)\$/\1/p"; }
major=$(number DTU_ABI_MAJOR)
[ -n "$major" ] || { echo "gate.sh: $sdk/include/dtu/abi.h has no DTU_ABI_MAJOR" >&2; exit 2; }
baseline=$here/baseline/v$major-$machine.xml

# DWARF 4 without names of files or folders: the same text from every compiler and checkout.
describe() {
  cp "$here/anchor.c" "$work/anchor.c" &&
    (cd "$work" && "$cc" -std=c11 -g -gdwarf-4 -O0 -fPIC -shared -nostdlib -I"$sdk/include" anchor.c -o anchor.so) || return 1
  abidw --no-show-locs --no-corpus-path --no-comp-dir-path --no-elf-needed --type-id-style hash \
    --out-file "$1" "$work/anchor.so"
}

case $doing in
  baseline)
    describe "$work/new.xml" || exit 2
    mkdir -p "$here/baseline" && cp "$work/new.xml" "$baseline" || exit 2
    echo "written: $baseline"
    ;;
  check)
    [ -f "$baseline" ] || {
      echo "gate.sh: there is no baseline for $machine ($baseline): write one on such a machine with ./dev abi-baseline" >&2
      exit 2
    }
    describe "$work/new.xml" || exit 2
    abidiff --harmless "$baseline" "$work/new.xml" >"$work/said"
    differs=$?
    frozen() { "$cxx" -std=c++17 -fsyntax-only -I"$sdk/include" "$@" "$here/frozen/v$major.cpp" 2>"$work/frozen"; }
    if [ $differs -eq 0 ] && frozen; then
      echo "the ABI is as it was agreed on"
      exit 0
    fi
    # Bits 1 and 2 of abidiff's answer: it could not do its work.
    [ $((differs & 3)) -eq 0 ] || { cat "$work/said" >&2; exit 2; }
    echo "abidiff --harmless answered $differs:"
    cat "$work/said"
    if frozen -DDTU_ABI_MAY_GROW; then
      cat <<END
Only additions. They need, in one commit: the minor (DTU_ABI_MINOR, when it is the first addition since a release), their
lines in sdk/abi/frozen/v$major.cpp, a new baseline (./dev abi-baseline), and the reason in the commit message.
END
      exit 4
    fi
    grep -E 'error' "$work/frozen" | head -20
    cat <<END
What was there has changed. From major 1 on that needs a new major, or another name (sdk/abi/POLICY.md). Under major 0 it
needs, in one commit: sdk/abi/frozen/v$major.cpp, a new baseline (./dev abi-baseline), and the reason in the commit message.
END
    exit 1
    ;;
  *) usage ;;
esac
