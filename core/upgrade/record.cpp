#include "upgrade/record.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "config/json_text.hpp"

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

// Absent is 0, false or "", as it is written; another type or a number that does not fit is damage.
class Reader {
 public:
  explicit Reader(const config::JsonObject& from) : from_(from) {}
  [[nodiscard]] const std::string& wrong() const { return wrong_; }  // the first member that is

  void operator()(const char* key, std::string& to) {
    to = get(key, config::JsonType::text) ? config::as_text(value_) : "";
  }
  void operator()(const char* key, bool& to) { to = get(key, config::JsonType::boolean) && config::as_flag(value_); }
  template <typename Number>
  void operator()(const char* key, Number& to) {
    const int64_t number = get(key, config::JsonType::integer) ? config::as_integer(value_, -1) : 0;
    const bool fits = number >= 0 && (sizeof(Number) == sizeof number || number <= UINT32_MAX);
    if (!fits && wrong_.empty()) wrong_ = key;
    if (fits) to = static_cast<Number>(number);
  }

 private:
  bool get(const char* key, config::JsonType type) {
    if (!from_.has(key)) return false;
    value_ = from_.get(key);
    const bool right = config::type_of(value_) == type;
    if (!right && wrong_.empty()) wrong_ = key;
    return right;
  }
  const config::JsonObject& from_;
  config::Json value_;
  std::string wrong_;
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

std::string load(config::StateFile& file, Record& record) {
  std::string problem;
  const auto json = file.read(problem);
  const config::JsonObject* object = json ? config::as_object(*json) : nullptr;
  if (object == nullptr) return problem;
  const config::Json order = object->get("order");
  const std::string step = config::as_text(object->get("step"));
  const auto* name = std::find_if(kNames.begin(), kNames.end(), [&](const Name& n) { return step == n.name; });
  if (config::as_object(order) == nullptr || name == kNames.end()) return file.reject("it has no order or no step");
  Record read;
  Reader reader(*object);
  each_member(reader, read);
  if (!reader.wrong().empty()) return file.reject("its \"" + reader.wrong() + "\" has a wrong value");
  read.step = name->step;
  const config::JsonObject& asked = *config::as_object(order);
  if (config::as_text(asked.get("url")).empty()) return file.reject("its order has no url");
  if (asked.has("tag") && config::type_of(asked.get("tag")) != config::JsonType::object)
    return file.reject("the tag of its order is not an object");
  (void)read_order(asked, {}, read.order);  // the rules were kept when it was taken
  record = std::move(read);
  return {};
}

bool save(config::StateFile& file, const Record& record, std::string& error) {
  auto o = config::make_object();
  const Writer writer{*o};
  each_member(writer, record);
  o->set("step", std::string(name_of(record.step)));
  o->set("order", to_json(record.order));
  config::FileError failure;
  if (file.write(config::to_json(config::Json(o)) + "\n", failure)) return true;
  error = failure.text;
  return false;
}

}  // namespace dtud::upgrade
