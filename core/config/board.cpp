#include <dtu/abi.h>

#include <algorithm>
#include <cerrno>

#include "board.schema.json.hpp"
#include "config/components.hpp"
#include "config/isolate.hpp"
#include "config/json_text.hpp"
#include "config/secrets.hpp"
#include "config/store.hpp"

namespace dtud::config {
namespace {

// The entries of `hal` or `commands`: "type" picks the schema, the rest is the component's.
std::vector<ComponentConfig> read_components(const Json& list, const std::string& path, Components& components,
                                             Paths& secrets, Report& report) {
  std::vector<ComponentConfig> out;
  const auto* entries = as_list(list);
  if (entries == nullptr) return out;
  size_t index = 0;
  for (const auto& entry : *entries) {
    const auto at = below(path, index++);
    const auto* object = as_object(entry);
    const auto asked = object == nullptr ? std::string() : as_text(object->get("type"));
    if (asked.empty()) continue;  // said already, by the schema of the board file
    const auto type = components.installed(asked, *object, below(at, "type"), report);
    if (type.empty()) continue;
    const Json rest = copy_of(entry);
    shared_object(rest)->remove("type");
    const auto checked = components.check(type, rest, at, report);
    secrets.insert(checked.secrets.begin(), checked.secrets.end());
    if (!checked.good) continue;
    const Json plain = copy_of(checked.value);
    const auto isolate = isolate_of(shared_object(plain)->get("isolate"));
    shared_object(plain)->remove("isolate");
    out.push_back({type, to_json(plain), isolate});
  }
  return out;
}

std::vector<std::string> texts(const Json& list) {
  std::vector<std::string> out;
  if (const auto* entries = as_list(list)) {
    for (const auto& entry : *entries) out.push_back(as_text(entry));
  }
  return out;
}

UpgradeConfig read_upgrade(const JsonObject& from) {
  UpgradeConfig out;
  out.keys = texts(from.get("keys"));
  out.allow_http = as_flag(from.get("allow_http"), out.allow_http);
  const auto number = [&from](const char* key, auto& to) {
    to = static_cast<std::decay_t<decltype(to)>>(as_integer(from.get(key), static_cast<int64_t>(to)));
  };
  number("max_bytes", out.max_bytes);
  number("bytes_per_day", out.bytes_per_day);
  number("deadline_h", out.deadline_h);
  number("stall_s", out.stall_s);
  number("retry_s", out.retry_s);
  number("install_s", out.install_s);
  number("confirm_s", out.confirm_s);
  out.window = as_text(from.get("window"));
  const Json tls = from.get("tls");
  if (const auto* files = as_object(tls)) {
    out.ca = as_text(files->get("ca"));
    out.cert = as_text(files->get("cert"));
    out.key = as_text(files->get("key"));
  }
  return out;
}

// What the kernel adds to the schema of each: `type` has picked it already.
Json kernel_part(const Json& schema) {
  const Json part = copy_of(as_object(schema)->getObject("definitions")->get("component"));
  shared_object(part)->remove("required");
  shared_object(part)->getObject("properties")->remove("type");
  return part;
}

// What shows only when the components are seen together, and what each finds in its own configuration.
void check_components(BoardConfig& board, const Schemas& schemas, Report& report) {
  const auto before = [](const std::vector<ComponentConfig>& list, size_t index) {  // of the same type
    return std::count_if(list.begin(), list.begin() + static_cast<ptrdiff_t>(index),
                         [&](const ComponentConfig& other) { return other.type == list[index].type; });
  };
  for (size_t i = 0; i < board.hal.size(); ++i) {
    const auto& [type, json, isolate] = board.hal[i];
    const auto path = below("/hal", i);
    const auto same = before(board.hal, i);
    const auto owner = "hal " + type + (same == 0 ? "" : " " + std::to_string(same + 1));  // as Kernel names it
    if (same != 0)
      report.warning(below(path, "type"), "there is a HAL of type " + shown_key(type) +
                                              " already: both are started, and a point or command that both have is "
                                              "the one of the first");
    if (!schemas.check) continue;
    auto checkup = schemas.check(DTU_KIND_HAL, type, json, isolate.has_value());
    if (checkup) checkup->hide(board.secrets);
    board.product.add_hal(owner, path, checkup, report);
  }
  if (!board.commands) return;
  for (size_t i = 0; i < board.commands->size(); ++i) {
    const auto& [type, json, isolate] = (*board.commands)[i];
    const auto path = below("/commands", i);
    if (before(*board.commands, i) != 0)
      report.warning(below(path, "type"), shown_key(type) +
                                              " is in the list already: it is started twice, and its commands are "
                                              "those of the first");
    if (!schemas.check) continue;
    auto checkup = schemas.check(DTU_KIND_COMMAND, type, json, isolate.has_value());
    if (!checkup) continue;
    checkup->hide(board.secrets);
    board.product.add("command " + type, path, *checkup, report);
  }
}

// Files that are opened only when they are needed: when an upgrade comes, when the parameters are reset.
void check_files(const BoardConfig& board, Report& report) {
  constexpr size_t kMostFile = 1U << 20U;
  const auto pem = [&](const std::string& path, const std::string& file) {
    if (file.empty() || file.front() != '/') return;  // none, or the key itself
    FileError error;
    const auto text = read_file(file, kMostFile, error);
    if (!text && error.code == ENOENT)
      return report.warning(path, error.text);  // a product is checked where it is built
    if (!text) return report.error(path, error.text);
    if (text->find("-----BEGIN ") == std::string::npos) report.error(path, file + " is no PEM file");
  };
  for (size_t i = 0; i < board.plugins.keys.size(); ++i) pem(below("/plugins/keys", i), board.plugins.keys[i]);
  for (size_t i = 0; i < board.upgrade.keys.size(); ++i) pem(below("/upgrade/keys", i), board.upgrade.keys[i]);
  pem("/upgrade/tls/ca", board.upgrade.ca);
  pem("/upgrade/tls/cert", board.upgrade.cert);
  pem("/upgrade/tls/key", board.upgrade.key);
  FileError error;
  if (!board.factory_file.empty() && !read_file(board.factory_file, kMostFile, error))
    report.warning("/factory_file", error.text + ": a reset of the parameters would fail, or leave no channels");
}

BoardConfig read(const Json& document, const Schemas& schemas, Report& report) {
  BoardConfig out;
  std::string error;
  const Json schema = parse_trusted(board_schema_json);
  const auto validator = Validator::make(schema, error);
  if (validator == nullptr) {
    report.error("", "the schema of the board file cannot be used: " + error);
    return out;
  }
  std::vector<Problem> problems;
  Paths secrets;
  collect_likely_secrets(document, {}, secrets);
  const auto normal = validator->check(document, {}, secrets, problems);
  report.add(problems);
  if (!normal) return out;
  const auto& board = *as_object(*normal);
  Components hals(DTU_KIND_HAL, "hal", schemas, kernel_part(schema));
  out.hal = read_components(board.get("hal"), "/hal", hals, secrets, report);
  if (board.has("commands")) {
    Components commands(DTU_KIND_COMMAND, "command", schemas, kernel_part(schema));
    out.commands = read_components(board.get("commands"), "/commands", commands, secrets, report);
  }
  out.plugin_path = texts(board.get("plugin_path"));
  out.state_dir = as_text(board.get("state_dir"));
  out.factory_file = as_text(board.get("factory_file"));
  out.device_file = as_text(board.get("device_file"), out.state_dir + "/dtu_config.json");
  const Json control = board.get("control");
  out.runtime_dir = as_text(board.get("runtime_dir"));
  if (const auto* object = as_object(control)) out.control_socket = as_text(object->get("socket"));
  out.reset = as_text(board.get("reset"));
  out.initial_password = as_text(board.get("initial_password"));
  const Json plugins = board.get("plugins");
  if (const auto* object = as_object(plugins)) {
    out.plugins = {texts(object->get("keys")), as_flag(object->get("require_signed")),
                   static_cast<uint32_t>(as_integer(object->get("folder_mb"), out.plugins.folder_mb))};
    if (out.plugins.require_signed && out.plugins.keys.empty())
      report.error("/plugins/require_signed", "nothing could be opened: name a key in plugins.keys that may sign");
  }
  const Json upgrade = board.get("upgrade");
  if (const auto* object = as_object(upgrade)) out.upgrade = read_upgrade(*object);
  out.secret_paths.assign(secrets.begin(), secrets.end());
  out.secrets = values_at(document, {}, secrets);
  return out;
}

}  // namespace

std::optional<BoardConfig> read_board(std::string_view text, std::string_view file, const Schemas& schemas,
                                      Findings& findings) {
  const auto document = read_json(text, file, findings);
  if (!document) return std::nullopt;
  Report report(without_bom(text), file);
  BoardConfig board = read(*document, schemas, report);
  Findings found;
  std::move(report).give(found);
  const bool good = !has_errors(found);
  findings.insert(findings.end(), found.begin(), found.end());
  if (!good) return std::nullopt;
  // Their errors do not make the board file unusable: the rest of the board runs.
  Report more(without_bom(text), file);
  check_components(board, schemas, more);
  if (schemas.check) check_files(board, more);
  std::move(more).give(findings);
  return board;
}

std::string masked(std::string_view text, const BoardConfig& board) {
  Findings ignored;
  const auto document = read_json(text, "", ignored);
  if (!document) return {};
  Paths secrets(board.secret_paths.begin(), board.secret_paths.end());
  collect_likely_secrets(*document, {}, secrets);  // of a file that was changed since it was read
  return to_json(with_mask(*document, {}, secrets));
}

std::optional<std::string> default_config(const std::string& command_type, const Schemas& schemas, std::string& error) {
  Components commands(DTU_KIND_COMMAND, "command", schemas, Json());
  Report report("{}", "board.json");
  const auto checked = commands.check(command_type, make_object(), "", report);
  if (checked.good) return to_json(checked.value);
  Findings findings;
  std::move(report).give(findings);
  error = findings.empty() ? "it has to be configured" : findings.front().message;
  return std::nullopt;
}

}  // namespace dtud::config
