#!/bin/sh
# packages.sh BUILD WORK: Debian packages of the kernel and of some plugins, installed by dpkg into a folder. No network, no root:
# the scripts run with DPKG_ROOT.
set -eu
for tool in dpkg dpkg-shlibdeps dpkg-deb; do
  command -v $tool >/dev/null || { echo "skipped: there is no $tool"; exit 77; }
done
build=$1 work=$2 root=$2/root
rm -rf "$work"
mkdir -p "$work/debs" "$root/var/lib/dpkg/updates" "$root/var/lib/dpkg/info" "$root/etc"
: >"$root/var/lib/dpkg/status"
: >"$root/var/lib/dpkg/available"
"${CMAKE%cmake}cpack" --config "$build/CPackConfig.cmake" -B "$work/debs" \
  -D CPACK_COMPONENTS_ALL="runtime;dev;plugin-hal-sim;plugin-channel-tcp" >"$work/said" 2>&1 || { cat "$work/said"; exit 1; }
for deb in "$work"/debs/*.deb; do
  name=$(dpkg-deb -f "$deb" Package)
  dpkg-deb -c "$deb" | grep -q "share/doc/$name/copyright" || { echo "$deb has no copyright"; exit 1; }
  dpkg-deb -c "$deb" | awk '$2 != "root/root" || substr($1, 6, 1) == "w" || substr($1, 9, 1) == "w" {print; bad = 1} END {exit bad}' ||
    { echo "$deb: not owned by root, or others may write it"; exit 1; }
done
field() { dpkg-deb -f "$work/debs/$1"_*.deb "$2"; }
field dtukit Depends | grep -q libpoconet || { echo "dtukit does not depend on the libraries it uses"; exit 1; }
abi=$(field dtukit Provides | sed 's/ .*//')
field dtukit-plugin-channel-tcp Depends | grep -q "$abi" || { echo "a plugin does not depend on the ABI"; exit 1; }
[ "$(dpkg-deb -I "$work"/debs/dtukit_*.deb conffiles)" = /etc/default/dtukit ]
dpkg-deb -c "$work"/debs/dtukit-dev_*.deb | grep -q share/doc/dtukit-dev/plugin-guide.md ||
  { echo "dtukit-dev has no guide"; exit 1; }
for file in include/dtu/kit/mqtt/session.hpp lib/libdtukit-mqtt.a lib/cmake/dtukit-kit/mqtt.cmake; do
  dpkg-deb -c "$work"/debs/dtukit-dev_*.deb | grep -q "usr/$file" || { echo "dtukit-dev has no $file"; exit 1; }
done
rm -f "$work"/debs/dtukit-dev_*.deb
PATH="$PATH:/usr/sbin:/sbin" dpkg --root="$root" --force-script-chrootless --force-depends --force-not-root --force-bad-path \
  --log="$work/dpkg.log" -i "$work"/debs/*.deb >>"$work/said" 2>&1 || { cat "$work/said"; exit 1; }
grep -q '^dtukit:' "$root/etc/passwd" || { echo "the user was not made"; exit 1; }
if find "$root/etc/systemd" -name 'dtukit.service' 2>/dev/null | grep -q .; then
  echo "the service was enabled on a board that nobody described"; exit 1
fi
