#include "upgrade/record.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include "config/json_text.hpp"
#include "config/store.hpp"

namespace dtud::upgrade {
namespace {

struct Name {
  Step step;
  const char* name;
};
constexpr std::array<Name, 13> kNames{{{Step::idle, "idle"},
                                       {Step::checked, "checked"},
                                       {Step::downloading, "downloading"},
                                       {Step::verifying, "verifying"},
                                       {Step::verified, "verified"},
                                       {Step::installing, "installing"},
                                       {Step::restarting, "restarting"},
                                       {Step::confirming, "confirming"},
                                       {Step::took, "took"},
                                       {Step::unconfirmed, "unconfirmed"},
                                       {Step::rolled_back, "rolled_back"},
                                       {Step::failed, "failed"},
                                       {Step::cancelled, "cancelled"}}};
constexpr size_t kLongest = 65536;

// The members of a record, once for both directions.
template <typename Visitor, typename R>
void each_member(Visitor& visit, R& r) {
  visit("id", r.id);
  visit("error", r.error);
  visit("note", r.note);
  visit("previous_version", r.previous_version);
  visit("previous_slot", r.previous_slot);
  visit("checked_by", r.checked_by);
  visit("then", r.then);
  visit("boot", r.boot);
  visit("validator", r.validator);
  visit("total", r.total);
  visit("synced", r.synced);
  visit("synced_boot", r.synced_boot);
  visit("whole", r.whole);
  visit("resumed", r.resumed);
  visit("confirmed", r.confirmed);
  visit("told", r.told);
  visit("starts_anew", r.starts_anew);
  visit("installs", r.installs);
  visit("restarts", r.restarts);
  visit("spent_s", r.spent_s);
}

struct Reader {
  const config::JsonObject& from;
  void operator()(const char* key, std::string& to) const { to = config::as_text(from.get(key)); }
  void operator()(const char* key, bool& to) const { to = config::as_flag(from.get(key)); }
  template <typename Number>
  void operator()(const char* key, Number& to) const {
    to = static_cast<Number>(config::as_integer(from.get(key)));
  }
};

struct Writer {
  config::JsonObject& to;
  void operator()(const char* key, const std::string& value) const {
    if (!value.empty()) to.set(key, value);
  }
  void operator()(const char* key, bool value) const {
    if (value) to.set(key, true);
  }
  template <typename Number>
  void operator()(const char* key, Number value) const {
    if (value != 0) to.set(key, static_cast<int64_t>(value));
  }
};

}  // namespace

const char* name_of(Step step) {
  const auto* found = std::find_if(kNames.begin(), kNames.end(), [step](const Name& n) { return n.step == step; });
  return found == kNames.end() ? "" : found->name;
}

bool is_over(Step step) { return step == Step::idle || step >= Step::took; }

std::string load(const std::string& file, Record& record) {
  config::FileError error;
  const auto text = config::read_file(file, kLongest, error);
  if (!text) return error.code == ENOENT ? "" : error.text;
  config::Findings findings;
  const auto json = config::read_json(*text, file, findings);
  const config::JsonObject* object = json ? config::as_object(*json) : nullptr;
  if (object == nullptr) return file + " is not what dtud wrote" + (findings.empty() ? "" : ": " + findings[0].message);
  const config::Json order = object->get("order");
  const std::string step = config::as_text(object->get("step"));
  const auto* name = std::find_if(kNames.begin(), kNames.end(), [&](const Name& n) { return step == n.name; });
  if (config::as_object(order) == nullptr || name == kNames.end()) return file + " is not what dtud wrote";
  Record read;
  const Reader reader{*object};
  each_member(reader, read);
  read.step = name->step;
  (void)read_order(*config::as_object(order), {}, read.order);  // the rules were kept when it was taken
  record = std::move(read);
  return {};
}

bool save(const std::string& file, const Record& record, std::string& error) {
  auto o = config::make_object();
  const Writer writer{*o};
  each_member(writer, record);
  o->set("step", std::string(name_of(record.step)));
  o->set("order", to_json(record.order));
  config::FileError failure;
  if (config::write_file(file, config::to_json(config::Json(o)) + "\n", failure)) return true;
  error = failure.text;
  return false;
}

}  // namespace dtud::upgrade
