#include "actions.hpp"

namespace dtuctl {

const std::vector<Subcommand>& subcommands() {
  static const std::vector<Subcommand> table{
      {"status",
       "",
       "dtud and its plugin instances",
       "Shows dtud and every plugin instance it runs: state, last error, restarts, health. The last error of an\n"
       "instance stays until the instance is up.\n\n"
       "Example: dtuctl status",
       {},
       0,
       0,
       {},
       show_status},
      {"ports",
       "",
       "serial ports: state, traffic, queues",
       "Shows each port: its device, the bytes and messages it carried, and the messages that wait.\n\n"
       "Example: dtuctl ports",
       {},
       0,
       0,
       {},
       show_ports},
      {"channels",
       "",
       "channels: state, outbox, traffic",
       "Shows each channel and its outbox: messages waiting, unconfirmed, delivered, dropped and rejected.\n\n"
       "Example: dtuctl channels",
       {},
       0,
       0,
       {},
       show_channels},
      {"tap",
       "TARGET",
       "live traffic of a port or channel, as text and hex",
       "Prints each message: <- was received from the line or the cloud, -> is sent. TARGET is port:ID,\n"
       "channel:ID or all. Text is printed as text, other data as a hex dump. Ends at Ctrl-C, after --count\n"
       "messages, or after --for seconds. Messages that come too fast are counted and reported.\n\n"
       "Example: dtuctl tap port:1 --pcapng line.pcapng --for 60",
       {{"--pcapng", "", "FILE", "also write a Wireshark capture (link type USER0; - is standard output)"},
        {"--count", "-n", "N", "end after N messages"},
        {"--for", "", "SECONDS", "end after SECONDS"}},
       1,
       1,
       {Word::target},
       tap},
      {"events",
       "[PREFIX]",
       "events as they are told",
       "Prints each event: time, name, source and its JSON object. PREFIX selects events: a name (sms.received), or\n"
       "the first parts of names with a dot at the end (sms.). The last states come first, marked \"last\"; \"gone\"\n"
       "marks a state whose source stopped. Ends at Ctrl-C, after --count events, or after --for seconds.\n\n"
       "Example: dtuctl events\n"
       "         dtuctl events plugin. --for 60",
       {{"--count", "-n", "N", "end after N events"}, {"--for", "", "SECONDS", "end after SECONDS"}},
       0,
       1,
       {Word::event},
       show_events},
      {"commands",
       "[NAME|CODE]",
       "commands with their arguments and function codes",
       "Shows all commands: name, function codes, who may call, arguments. With NAME or a function code (3, 0x03):\n"
       "the arguments of that command, with type, allowed values and default.\n\n"
       "Example: dtuctl commands\n"
       "         dtuctl commands channels.connect",
       {},
       0,
       1,
       {Word::command},
       show_commands},
      {"call",
       "NAME|CODE [JSON]",
       "call a command",
       "Calls a command by its name or function code (3, 0x03), and prints its result. JSON is an object with the\n"
       "arguments; - reads it from standard input. See dtuctl commands NAME for the arguments. Waits --timeout\n"
       "seconds for the answer.\n\n"
       "Example: dtuctl call radio.csq\n"
       "         dtuctl call 0x07 '{\"adcn\": 0}'",
       {{"--to", "", "INSTANCE", "the provider that shall answer, if there are several (default: the first)"}},
       1,
       2,
       {Word::command, Word::none},
       call},
      {"points",
       "",
       "points: named values of the board",
       "Shows the points: named values of the board. All can be read, some can be written.\n\n"
       "Example: dtuctl points",
       {},
       0,
       0,
       {},
       show_points},
      {"read",
       "POINT",
       "read a point",
       "Prints the value of a point: a string as it is, other values as JSON.\n\nExample: dtuctl read device.imei",
       {},
       1,
       1,
       {Word::point},
       read_point},
      {"write",
       "POINT JSON",
       "write a point",
       "Writes a JSON value to a point and prints it. A word that is not JSON is used as a string.\n\n"
       "Example: dtuctl write gpio.4 1",
       {},
       2,
       2,
       {Word::point, Word::none},
       write_point},
      {"plugins",
       "",
       "plugin files and what they offer",
       "Shows every plugin file found: what it offers, its signature, and why it is not used. With --failed: only\n"
       "files that are refused or quarantined; exits 1 if there are any.\n\n"
       "Example: dtuctl plugins --failed",
       {{"--failed", "", "", "only files that cannot be used; exit 1 if there are any"}},
       0,
       0,
       {},
       show_plugins},
      {"plugins upgrade",
       "[FILE]",
       "replace a running plugin by another build of it",
       "Loads FILE beside the running build and moves every instance to it. Messages in flight are finished, new\n"
       "messages wait, none is lost. If an instance does not work again within --timeout (default: 10), all instances\n"
       "return to the old build, and dtuctl exits 1 with the reason. A restart of dtud keeps the new build. The old\n"
       "build is kept: --rollback returns to it. Unused code stays in memory until dtud starts again.\n\n"
       "Example: dtuctl plugins upgrade /root/channel-tcp.so\n"
       "         dtuctl plugins upgrade --rollback org.dtukit.channel-tcp",
       {{"--rollback", "", "ID", "return to the previous build of this plugin"},
        {"--force", "", "", "also accept an older version, or a build that failed before"}},
       0,
       1,
       {Word::file},
       plugins_upgrade},
      {"plugins install",
       "FILE",
       "install a plugin file",
       "dtud probes and copies the plugin FILE, and FILE.sig if there is one. The copy has precedence over a file of\n"
       "a package with the same plugin. A build in use stays in use until dtud starts again. FILE must be signed by a\n"
       "key of the board document, or FILE and its folders must be writable by root or the user of dtud only.\n\n"
       "Example: dtuctl plugins install /root/channel-acme.so",
       {},
       1,
       1,
       {Word::file},
       plugins_install},
      {"plugins remove",
       "PLUGIN",
       "remove a plugin that dtuctl installed",
       "Removes the copy that plugins install made. A file of a package with the same plugin is used again.\n\n"
       "Example: dtuctl plugins remove org.acme.channel",
       {},
       1,
       1,
       {Word::plugin},
       plugins_remove},
      {"plugins retry",
       "FILE|PLUGIN|INSTANCE",
       "try a refused plugin or a stopped instance again",
       "A plugin or its file: lifts the quarantine and probes the file again. An instance, by its name in dtuctl\n"
       "status: starts it now, also out of quarantine or before its next try. Exits 1 on failure.\n\n"
       "Example: dtuctl plugins retry channel-acme.so\n"
       "         dtuctl plugins retry channel 1",
       {},
       1,
       4,
       {Word::retried},
       plugins_retry},
      {"inspect",
       "TYPE|PLUGIN|FILE",
       "details of a component type, a plugin or a file",
       "Shows the abilities and the configuration of a component type. For a plugin (its id) or a plugin file also:\n"
       "version, hash, signature, and why it is not used. A FILE with a / is probed by dtuctl itself if dtud does not\n"
       "know it; that needs no dtud. --exists prints nothing and exits 0 if the plugin can be used, else 1.\n"
       "--atleast-version does the same for version V or later.\n\n"
       "Example: dtuctl inspect mqtt\n"
       "         dtuctl inspect org.acme.channel --atleast-version 2.1",
       {{"--exists", "", "", "exit 0 if it can be used, else 1"},
        {"--atleast-version", "", "V", "exit 0 if its version is V or later, else 1"}},
       1,
       1,
       {Word::type},
       inspect},
      {"config show",
       "",
       "the device document, with secrets masked",
       "Prints the device document (dtu_config.json); secrets are \"***\".\n\nExample: dtuctl config show > conf.json",
       {{"--board", "", "", "print the board document instead"}},
       0,
       0,
       {},
       config_show},
      {"config check",
       "FILE",
       "check a device document",
       "The running dtud checks a device document against its plugins. Changes nothing. FILE may be - (standard\n"
       "input). Exits 1 if there are errors.\n\nExample: dtuctl config check conf.json",
       {},
       1,
       1,
       {Word::file},
       config_check},
      {"config set",
       "FILE|PATH=VALUE...",
       "change the configuration",
       "Stores and applies a device document from FILE (- is standard input), or changes single values. PATH is a\n"
       "path with dots; VALUE is JSON or a plain word; null removes the value. PATH=@FILE reads the value from a file\n"
       "(@- from standard input): use it for secrets. \"***\" keeps a stored secret. Prints the changes. Exits 1, "
       "with\n"
       "the findings, if the document is refused; errors that the stored document already has do not refuse it.\n\n"
       "Example: dtuctl config set uconf.1.baudrate=9600 conf.1.port=1884\n"
       "         dtuctl config set conf.1.password=@- < secret.txt",
       {},
       1,
       64,
       {Word::file},
       config_set},
      {"config unset",
       "PATH...",
       "remove values from the configuration",
       "Removes the values at each PATH (a path with dots), so that the defaults apply. Prints the changes. Exits 1\n"
       "if there is no such value, or if the document without it is refused.\n\n"
       "Example: dtuctl config unset conf.2 uconf.1.frame_idle_ms",
       {},
       1,
       64,
       {Word::none},
       config_unset},
      {"config reload",
       "",
       "read the device file again",
       "Applies the edited device file after the checks of config set. Exits 1, with the findings, if the file is\n"
       "refused: the file is kept, and the previous document stays in use. SIGHUP and systemctl reload do the same.\n"
       "dtud reads the board file only when it starts.\n\n"
       "Example: dtuctl config reload",
       {},
       0,
       0,
       {},
       config_reload},
      {"config history",
       "",
       "the last 16 revisions of the device document",
       "Shows the stored revisions: time, source, and which is in use, on trial or not proven. An edit of the device\n"
       "file that was refused is listed too, with its file and the reason.\n\n"
       "Example: dtuctl config history",
       {},
       0,
       0,
       {},
       config_history},
      {"config diff",
       "REVISION [REVISION]",
       "differences between two revisions",
       "Shows the changes from one revision to another, or to the current document. Secrets are not compared.\n\n"
       "Example: dtuctl config diff 12",
       {},
       1,
       2,
       {Word::none, Word::none},
       config_diff},
      {"config rollback",
       "[REVISION]",
       "return to an earlier revision",
       "Stores and applies an earlier revision as a new revision, and prints its number. Without REVISION: the one\n"
       "before the current document that proved itself, or the one before the change on trial. A second call goes "
       "back\n"
       "one more; use the number to return to an undone revision.\n\nExample: dtuctl config rollback",
       {},
       0,
       1,
       {Word::none},
       config_rollback},
      {"config confirm",
       "",
       "keep a change that is on trial",
       "A change that came over a channel is undone if that channel is not up again within confirm_s seconds. If\n"
       "several channels sent changes, all of them have to be up again. This command keeps the changes.\n\nExample: "
       "dtuctl config confirm",
       {},
       0,
       0,
       {},
       config_confirm},
      {"spool",
       "",
       "stored messages of each channel, and the wear of the flash",
       "Shows the stored messages of each channel (offline_storage): in memory, on disk, dropped, damaged, and "
       "whether\n"
       "they can be written to the disk.\n\nExample: dtuctl spool",
       {},
       0,
       0,
       {},
       show_spool},
      {"spool export",
       "CHANNEL",
       "print the stored messages of a channel",
       "Prints every stored message, oldest first, one JSON object per line (data_b64 is the payload). With --raw:\n"
       "only the payloads. Changes nothing.\n\nExample: dtuctl spool export 1 > channel1.jsonl",
       {{"--raw", "", "", "only the payloads, without separators"}},
       1,
       1,
       {Word::none},
       spool_export},
      {"spool clear",
       "CHANNEL",
       "delete the stored messages of a channel",
       "Deletes all waiting messages of a channel, in memory and on disk. Messages in flight stay. The deleted\n"
       "messages are lost: see spool export.\n\nExample: dtuctl spool clear 1",
       {},
       1,
       1,
       {Word::none},
       spool_clear},
      {"spool check",
       "FILE",
       "verify the files of a spool",
       "Reads a segment file, or each segment file of a folder (/var/lib/dtukit/spool/1), and shows its contents and\n"
       "its damage. Needs no dtud. Exits 1 if there is damage.\n\nExample: dtuctl spool check /var/lib/dtukit/spool/1",
       {},
       1,
       1,
       {Word::file},
       spool_check},
      {"connect",
       "[CHANNEL]",
       "start channels that have auto_connect 0",
       "Starts one channel, or all channels that have auto_connect 0 in the device document. They run until dtud "
       "ends.\n\n"
       "Example: dtuctl connect 2",
       {},
       0,
       1,
       {Word::none},
       connect},
      {"audit",
       "",
       "calls of commands, with their results",
       "Shows the newest 1000 calls. Calls that changed something, and calls refused because of the password, are "
       "also\n"
       "kept in audit.log in the state directory.\n\nExample: dtuctl audit",
       {},
       0,
       0,
       {},
       show_audit},
      {"upgrade",
       "",
       "state of the upgrade",
       "Shows the progress of the upgrade, or the result of the last one, and the running version.\n\n"
       "Example: dtuctl upgrade --follow",
       {{"--follow", "-f", "", "show every step until the end; exit 1 if it failed"}},
       0,
       0,
       {},
       upgrade_state},
      {"upgrade start",
       "URL",
       "download, verify and install a new version",
       "dtud downloads, verifies and installs the file; it continues after link losses and restarts. --sha256 and "
       "--to\n"
       "are required; --force replaces --to. @FILE takes a value from a file. --follow shows every step until the "
       "end,\n"
       "also across the restart of dtud.\n\n"
       "Example: dtuctl upgrade start https://example.com/fw-2.1.bin --to 2.1 --sha256 @fw-2.1.sha256 --follow",
       {{"--to", "", "VERSION", "its version; must be newer than the running one"},
        {"--sha256", "", "HEX", "its SHA-256"},
        {"--md5", "", "HEX", "its MD5, if no SHA-256 is known"},
        {"--size", "", "BYTES", "its size"},
        {"--signature", "", "BASE64", "its Ed25519 signature (default: from URL.sig, if board.json has keys)"},
        {"--kind", "", "KIND", "firmware (default), package, or another kind of the board"},
        {"--force", "", "", "also accept a version that is not newer"},
        {"--min-battery-mv", "", "N", "require a battery of at least N millivolts"},
        {"--min-battery-percent", "", "N", "require a charge of at least N per cent"},
        {"--min-csq", "", "N", "require a signal strength of at least N"},
        {"--free-bytes", "", "N", "require N free bytes besides the file"},
        {"--follow", "-f", "", "show every step until the end; exit 1 if it failed"}},
       1,
       1,
       {Word::none},
       upgrade_start},
      {"upgrade cancel",
       "",
       "cancel the upgrade",
       "Cancels the upgrade, if it is not installed yet.\n\nExample: dtuctl upgrade cancel",
       {},
       0,
       0,
       {},
       upgrade_cancel},
      {"upgrade confirm",
       "",
       "keep the upgraded version",
       "dtud confirms an upgrade when a channel is up again. This command confirms it without that.\n\n"
       "Example: dtuctl upgrade confirm",
       {},
       0,
       0,
       {},
       upgrade_confirm},
      {"upgrade state",
       "",
       "",
       "Shows the progress of the upgrade, or the result of the last one, and the running version.\n\n"
       "Example: dtuctl upgrade state",
       {{"--follow", "-f", "", "show every step until the end; exit 1 if it failed"}},
       0,
       0,
       {},
       upgrade_state},
      {"log",
       "",
       "newest lines of the log",
       "Prints the newest lines of the log that dtud keeps in memory.\n\nExample: dtuctl log -n 20 -f",
       {{"--lines", "-n", "N", "how many lines (default: 100)"},
        {"--follow", "-f", "", "then print new lines until Ctrl-C"}},
       0,
       0,
       {},
       show_log},
      {"metrics",
       "",
       "metrics in the Prometheus text format",
       "Prints all metrics in the Prometheus text format. See docs/metrics.md for node_exporter.\n\n"
       "Example: dtuctl metrics | grep dropped\n"
       "         dtuctl metrics --output /var/lib/prometheus/node-exporter/dtukit.prom",
       {{"--output", "-o", "FILE", "write FILE instead; it is replaced as a whole"}},
       0,
       0,
       {},
       show_metrics},
      {"completion",
       "bash|zsh|fish",
       "completion script for the shell",
       "Prints the script. It completes subcommands, and the points, commands, ports and channels of the running "
       "dtud.\n\n"
       "Example: dtuctl completion bash > /etc/bash_completion.d/dtuctl",
       {},
       1,
       1,
       {Word::shell},
       completion_script},
  };
  return table;
}

}  // namespace dtuctl
