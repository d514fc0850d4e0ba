#!/bin/sh
# root.sh DIR: Debian's libraries for armhf, unpacked into DIR, for the cross compiler (--sysroot) and for qemu (-L).
#
# Nothing of this system changes and nobody has to be root: apt is given a state of its own in DIR.apt, in which armhf is the
# only architecture and nothing is installed. Installing the same packages beside ours (dpkg --add-architecture armhf) works
# too, but only while both architectures have every shared library in the same version. Sources are the system's.
set -eu
dir=$1
packages="libc6-dev libstdc++-12-dev libpoco-dev libpaho-mqtt-dev libssl-dev libgpiod-dev zlib1g-dev libgtest-dev libgmock-dev"
mark="$dir/complete 2: $packages"
[ ! -e "$dir/usr" ] || [ "$(cat "$dir.apt/mark" 2>/dev/null)" != "$mark" ] || exit 0

rm -rf "$dir"
mkdir -p "$dir" "$dir.apt/lists/partial" "$dir.apt/archives/partial"
dir=$(cd "$dir" && pwd)
: > "$dir.apt/status"
apt() {
  apt-get -q -o APT::Architecture=armhf -o APT::Architectures::=armhf -o APT::Sandbox::User= \
    -o Dir::State="$dir.apt" -o Dir::State::lists="$dir.apt/lists" -o Dir::State::status="$dir.apt/status" \
    -o Dir::Cache="$dir.apt" -o Dir::Cache::archives="$dir.apt/archives" "$@"
}
apt update || echo "root.sh: not every list could be fetched; going on with the others" >&2
# Only the closure of what is named: no recommendations, no essential packages.
apt install -y --download-only --no-install-recommends $packages > "$dir.apt/log" 2>&1 ||
  { cat "$dir.apt/log" >&2; exit 1; }
# Debian's merged /usr: packages of this release bring both.
mkdir -p "$dir/usr/lib" && ln -s usr/lib "$dir/lib"
for package in "$dir.apt"/archives/*.deb; do
  dpkg-deb --fsys-tarfile "$package" | tar -x -C "$dir" --keep-directory-symlink --exclude=./usr/share/doc --exclude=./usr/share/man
  # Which package a library is from, for the dependencies of our own packages (packaging/debian).
  dpkg-deb --info "$package" shlibs 2> /dev/null | grep -v '^udeb' || true
done > "$dir.apt/shlibs"
# Links from / would lead to our own libraries.
find "$dir/usr" -lname '/*' | while read -r link; do
  ln -sf --relative "$dir$(readlink "$link")" "$link"
done
# Headers without code are the same for everybody.
for headers in boost valijson; do ln -s /usr/include/$headers "$dir/usr/include/$headers"; done
printf '%s' "$mark" > "$dir.apt/mark"
echo "$(ls "$dir.apt/archives"/*.deb | wc -l) packages of armhf in $dir"
