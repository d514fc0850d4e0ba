#!/bin/sh
# guide.sh GUIDE PREFIX WORK: what the guide's chapter of a cloud over MQTT tells to paste does what it says.
set -eu
guide=$1 prefix=$2 work=$3
port=$(python3 -c "import socket; s = socket.socket(); s.bind((\"127.0.0.1\", 0)); print(s.getsockname()[1])")
rm -rf "$work"
mkdir -p "$work"
cd "$work"
# The n-th block of shell commands of the chapter.
block() {
  awk -v n="$1" '/^## /{inside = /^## A cloud over MQTT/} !inside {next}
    /^```/ && open {open = 0; next} /^```sh$/ {open = ++count == n} open && !/^```/ {print}' "$guide"
}
export PATH="$prefix/bin:$PATH:/usr/sbin" CMAKE_PREFIX_PATH="$prefix"
block 1 >make.sh
grep -q dtu-plugin-check make.sh || { echo "the chapter has no commands to make a plugin"; exit 1; }
sh -eu make.sh >made 2>&1 || { cat made; exit 1; }
block 2 | sed "s#/usr/lib/dtukit/plugins#$prefix/lib/dtukit/plugins#; s#18830#$port#g" >try.sh
(cd channel-my-cloud && bash ../try.sh) >tried 2>&1 || { cat tried; exit 1; }
grep -q "^my/p1/d1/state online$" tried && grep -q "^my/p1/d1/up hello" tried || { cat tried; exit 1; }
