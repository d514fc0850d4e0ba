// The subcommands. Each returns an exit code, or throws a Failure.
#pragma once
#include "command_line.hpp"

namespace dtuctl {

// commands.cpp
int show_commands(const Invocation& in);
// views.cpp
int show_status(const Invocation& in);
int show_points(const Invocation& in);
int show_ports(const Invocation& in);
int show_channels(const Invocation& in);
int show_metrics(const Invocation& in);
// plugins.cpp
int show_plugins(const Invocation& in);
int plugins_install(const Invocation& in);
int plugins_remove(const Invocation& in);
int plugins_retry(const Invocation& in);
std::string absolute_path(const std::string& file);  // of a file that is there; else a Failure

// plugin_upgrade.cpp
int plugins_upgrade(const Invocation& in);
// inspect.cpp
int inspect(const Invocation& in);
// call.cpp
int call(const Invocation& in);
int read_point(const Invocation& in);
int write_point(const Invocation& in);
// live.cpp
int tap(const Invocation& in);
int show_events(const Invocation& in);
int show_log(const Invocation& in);
// config.cpp
int config_show(const Invocation& in);
int config_check(const Invocation& in);
int config_set(const Invocation& in);
int config_unset(const Invocation& in);
int config_reload(const Invocation& in);
int report_change(const Invocation& in, const Reply& reply, const std::string& file);  // what a set was answered
// history.cpp
int config_history(const Invocation& in);
int config_diff(const Invocation& in);
int config_rollback(const Invocation& in);
int config_confirm(const Invocation& in);
int connect(const Invocation& in);
int show_audit(const Invocation& in);
// spool.cpp
int show_spool(const Invocation& in);
int spool_export(const Invocation& in);
int spool_clear(const Invocation& in);
int spool_check(const Invocation& in);
// upgrade.cpp
int upgrade_state(const Invocation& in);
int upgrade_start(const Invocation& in);
int upgrade_cancel(const Invocation& in);
int upgrade_confirm(const Invocation& in);
// completion.cpp
int completion_script(const Invocation& in);
int complete(const std::vector<std::string>& words);  // the words after "dtuctl", the last one unfinished

}  // namespace dtuctl
