#!/bin/sh
# binfmt.sh: has the kernel run 32 bit ARM programs by qemu, so that they can start each other. On a system with systemd
# or binfmt-support the package qemu-user-static has done so already; else this does, until the next start of the system.
set -eu
folder=/proc/sys/fs/binfmt_misc
conf=/usr/lib/binfmt.d/qemu-arm.conf
[ -e $folder/register ] || mount -t binfmt_misc binfmt_misc $folder 2>/dev/null || true
[ ! -e $folder/qemu-arm ] || exit 0
if [ ! -w $folder/register ] || [ ! -r $conf ]; then
  echo "binfmt.sh: the kernel does not run ARM programs here, and cannot be told to ($folder, $conf): tests that start" \
    "programs will fail; as root, install binfmt-support" >&2
  exit 0
fi
grep '^:' $conf > $folder/register
echo "ARM programs are run by qemu now, until this system starts anew" >&2
