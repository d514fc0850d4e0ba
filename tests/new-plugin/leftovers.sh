#!/bin/sh
# leftovers.sh FOLDER: nothing of a template's own names is left in what was made of it.
found=$(grep -rnEi 'template[-_ ]?name|template vendor' "$1")
[ -z "$found" ] || { echo "$found"; exit 1; }
[ -n "$(ls "$1"/*/plugin.cpp)" ] || { echo "nothing was made in $1"; exit 1; }
