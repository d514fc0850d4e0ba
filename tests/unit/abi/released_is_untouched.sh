#!/bin/sh
# released_is_untouched.sh FOLDER: no file of a release was edited, removed or added since SHA256SUMS was written.
set -u
cd "$1" || exit 1
[ -s SHA256SUMS ] || { echo "$1 has no SHA256SUMS: releases are made by ./dev release-abi"; exit 1; }
sha256sum --check --quiet --strict SHA256SUMS || { echo "a release is never edited: git checkout -- $1"; exit 1; }
have=$(find . -type f ! -path ./SHA256SUMS | sed 's|^\./||' | LC_ALL=C sort)
listed=$(sed 's/^[0-9a-f]*  //' SHA256SUMS | LC_ALL=C sort)
[ "$have" = "$listed" ] || { echo "there are files in $1 that its SHA256SUMS does not name"; exit 1; }
