#!/bin/sh
# accepts.sh DTUD FOLDER: dtud takes a document that uses the README's channel, with the plugins of FOLDER.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/board.json" <<END
{"plugin_path": ["$2"], "hal": [], "commands": [], "device_file": "$work/dtu_config.json", "state_dir": "$work"}
END
echo '{"work_mode": "raw", "conf": {"3": {"protocol": "echo"}}}' > "$work/dtu_config.json"
"$1" --board "$work/board.json" --check
