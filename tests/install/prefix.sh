#!/bin/sh
# prefix.sh BUILD PREFIX: an installation of the build, stripped as a package would.
set -eu
rm -rf "$2"
"$CMAKE" --install "$1" --prefix "$2" --strip >/dev/null
for name in bin/dtud bin/dtuctl libexec/dtukit/dtu-fetch libexec/dtukit/dtu-install-package lib/dtukit/plugins/channel-tcp.so \
            include/dtu/abi.h share/pkgconfig/dtukit-plugin.pc share/bash-completion/completions/dtuctl \
            lib/sysusers.d/dtukit.conf etc/default/dtukit share/doc/dtukit/examples/board.json; do
  [ -f "$2/$name" ] || { echo "$2/$name is not installed"; exit 1; }
done
# Each plugin of the build, and nothing that is built for tests.
(cd "$1/plugins" && ls -- *.so) >"$2.built"
(cd "$2/lib/dtukit/plugins" && ls) | diff "$2.built" - || { echo "the plugins installed are not the ones built"; exit 1; }
