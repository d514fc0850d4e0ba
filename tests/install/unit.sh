#!/bin/sh
# unit.sh PREFIX: systemd understands the unit and finds it locked down.
set -eu
unit=$1/lib/systemd/system/dtukit.service
grep -q "^ExecStart=$1/bin/dtud " "$unit"
grep -q "^RuntimeDirectoryPreserve=yes" "$unit" # or a restart would throw away what waits in memory
grep -q '^ExecReload=/bin/kill -HUP $MAINPID' "$unit"
command -v systemd-analyze >/dev/null || { echo "skipped: there is no systemd-analyze"; exit 77; }
said=$(systemd-analyze verify --man=no "$unit" 2>&1) || { echo "$said"; exit 1; }
if echo "$said" | grep -q "dtukit.service"; then echo "$said"; exit 1; fi
systemd-analyze security --offline=true --threshold=25 "$unit" >/dev/null 2>&1 ||
  { systemd-analyze security --offline=true --no-pager "$unit" | grep -v "^✓"; exit 1; }
