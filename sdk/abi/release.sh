#!/bin/sh
# release.sh VERSION [FOLDER]: keeps the headers of a release in FOLDER/VERSION (default: sdk/abi/released), with the
# plugins of sdk/abi/compat that are built from them ever after, and checksums that say when somebody edits them.
# Refuses to write over a release. It is run once for each release, from the tagged state: ./dev release-abi VERSION.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
version=${1:-}
folder=${2:-$here/released}
die() {
  printf 'release.sh: %s\n' "$1" >&2
  exit 2
}
case $version in
  '') die "which release? release.sh VERSION, such as 0.1" ;;
  [!0-9a-z]* | *[!0-9a-z.-]*) die "\"$version\" is no version: digits, dots, small letters" ;;
esac
target=$folder/$version
[ ! -e "$target" ] || die "$target is there already; a release is never written again"
mkdir -p "$folder"
work=$(mktemp -d "$folder/.release-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$work/include" "$work/plugins"
cp -R "$here/../include/dtu" "$work/include/dtu"
cp "$here"/compat/*.c "$here"/compat/*.cpp "$work/plugins/"
number() { sed -n "s/^#define $1 \([0-9]*\)\$/\1/p" "$work/include/dtu/abi.h"; }
cp "$here/frozen/v$(number DTU_ABI_MAJOR).cpp" "$work/frozen.cpp"
printf 'plugin ABI %s.%s\n' "$(number DTU_ABI_MAJOR)" "$(number DTU_ABI_MINOR)" >"$work/ABI"
(cd "$work" && find . -type f | LC_ALL=C sort | sed 's|^\./||' | xargs sha256sum) >"$work.sums"
mv "$work.sums" "$work/SHA256SUMS"
chmod -R u=rwX,go=rX "$work"
mv "$work" "$target"
trap - EXIT
printf 'kept: %s (%s)\n' "$target" "$(cat "$target/ABI")"
