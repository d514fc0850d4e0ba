#include "inbox.hpp"

#include <dtu/sdk/json.hpp>
#include <dtu/sdk/sha256.hpp>

#include <algorithm>
#include <utility>

#include "../at_chain.hpp"

namespace hal_ec600::sms {
namespace {

constexpr size_t kMostRecent = 16, kMostShown = 16 * 1024, kMostRecentBytes = 32 * 1024;
constexpr size_t kMostPlaces = 512;
constexpr size_t kMostEvent = 12 * 1024;  // of the 16 KiB that an event may have
constexpr uint64_t kTellAgain_ms = 1'000, kReadAgain_ms = 30'000;
constexpr int64_t kSecond = 1'000'000'000;

std::string digest_of(const std::string& hex) {
  dtu::Sha256 hash;
  hash.update(hex);
  return hash.hex();
}

std::string list_of(const std::vector<unsigned>& numbers) {
  std::string out;
  for (const unsigned n : numbers) out += (out.empty() ? "" : ",") + std::to_string(n);
  return "[" + out + "]";
}

// The members of an event; `text` is what is shown of it.
std::string json_of(const Message& m, std::string_view text, const char* order) {
  std::string out =
      "{\"from\":" + dtu::quoted(m.from.text) + ",\"text\":" + dtu::quoted(text) + ",\"time\":" + dtu::quoted(m.time);
  if (m.from.alphanumeric) out += ",\"alphanumeric\":true";
  if (m.parts > 1) out += ",\"parts\":" + std::to_string(m.parts);
  if (!m.missing.empty()) out += ",\"missing\":" + list_of(m.missing);
  if (m.binary) out += ",\"binary\":true";
  if (m.port) out += ",\"port\":" + std::to_string(*m.port);
  if (order != nullptr) out += ",\"order\":\"" + std::string(order) + "\"";
  return out;
}

std::string event_of(const Message& m, const std::string& text, const char* order) {
  std::string out = json_of(m, text, order);
  if (out.size() <= kMostEvent) return out + "}";
  size_t most = kMostEvent;  // characters
  do {
    most /= 2;
    out = json_of(m, cut_to(text, most), order);
  } while (out.size() > kMostEvent);
  return out + ",\"cut\":true}";
}

std::string name_of(const Order& order) {
  return order.name.empty() ? "code " + std::to_string(order.code) : order.name;
}

std::string place_of(const Slot& slot) { return slot.storage + " " + std::to_string(slot.index) + " " + slot.digest; }

}  // namespace

Inbox::Inbox(dtu::Host host, AtEngine& engine, Settings settings, Run run, Refuse refuse)
    : host_(host),
      engine_(engine),
      settings_(std::move(settings)),
      run_(std::move(run)),
      refuse_(std::move(refuse)),
      timer_(host, [this] { next(); }),
      look_timer_(host, [this] { look(); }),
      joiner_(int64_t{settings_.wait_parts_s} * kSecond),
      handled_(host) {
  engine_.on_urc("+CMTI:", [this](std::string_view line, std::string_view) {
    Storage* storage = find(at_text(at_fields(line), 0));
    if (storage == nullptr) return look();  // "MT" is both
    storage->asked = true;
    next();
  });
  engine_.on_urc("+QIND: SMS DONE", [this](std::string_view, std::string_view) { look(); });
  engine_.on_urc("+QIND: \"smsfull\"", [this](std::string_view, std::string_view) { look(); });
}

void Inbox::ready() {
  started_ = true;
  announced_ = false;
  deletions_.clear();
  constexpr uint64_t kMsPerS = 1'000;
  if (settings_.look_s != 0) look_timer_.arm_ms(settings_.look_s * kMsPerS, settings_.look_s * kMsPerS);
  look();
}

// Announcing is switched on again with every look until the modem took it: without a SIM some refuse it.

void Inbox::look() {
  if (!started_) return;
  for (Storage& s : storages_) s.asked = true, s.absent = false;
  if (announced_) return next();
  run_chain(engine_, {AtExchange{"AT+CNMI=2,1,0,0,0"}}, [this](const std::vector<AtResult>& results) {
    if (results.back().ok()) announced_ = true;
    next();
  });
}

void Inbox::gone() {
  started_ = false;
  timer_.disarm();
  look_timer_.disarm();
}

void Inbox::stop() {
  gone();
  for (const uint64_t call : std::exchange(lists_, {})) host_.reply_error(call, DTU_E_CLOSED, "the modem was stopped");
}

Inbox::Storage* Inbox::find(std::string_view name) {
  const auto found = std::find_if(storages_.begin(), storages_.end(), [&](const Storage& s) { return s.name == name; });
  return found == storages_.end() ? nullptr : &*found;
}

std::string Inbox::trouble() const {
  for (const Storage& s : storages_)
    if (s.total > 0 && s.used >= s.total)
      return std::string("the SMS storage ") + s.name + " is full (" + std::to_string(s.used) + " of " +
             std::to_string(s.total) + ")";
  return "";
}

// What comes next, one thing at a time: hand over, delete, list.
void Inbox::next() {
  if (busy_ || !started_) return;
  for (Message& m : joiner_.expired(host_.monotonic_ns())) pending_.push_back(std::move(m));
  if (!hand_over()) return timer_.arm_ms(kTellAgain_ms);
  if (!told_.empty()) return remove();
  for (Storage& s : storages_) {
    if (!s.asked) continue;
    s.asked = false;
    if (!s.absent) return read(s);
  }
  answer_lists();
  if (trouble().empty()) warned_full_ = false;
  if (std::exchange(deleted_any_, false) && !trouble().empty()) return look();
  arm();
}

void Inbox::arm() {
  const auto at = joiner_.next_ns();
  if (!at) return timer_.disarm();
  timer_.arm_ms(static_cast<uint64_t>(std::max<int64_t>(1, (*at - host_.monotonic_ns()) / 1'000'000 + 1)));
}

// --- reading

void Inbox::read(Storage& storage) {
  busy_ = true;
  AtExchange select{"AT+CPMS=\"" + std::string(storage.name) + "\""};
  select.forms = {{"+CPMS: n,n,*"}};
  AtExchange list{"AT+CMGL=4"};
  list.forms = {{"+CMGL: n,n,*", "h", true}};
  run_chain(engine_, {select, AtExchange{"AT+CMGF=0"}, list},
            [this, &storage](const std::vector<AtResult>& results) { read_done(storage, results); });
}

void Inbox::read_done(Storage& storage, const std::vector<AtResult>& results) {
  busy_ = false;
  const AtResult& last = results.back();
  if (!last.ok()) {
    storage.absent = last.end == AtEnd::cms || last.end == AtEnd::cme || last.end == AtEnd::error;
    if (last.end == AtEnd::timeout && started_) {
      storage.asked = true;
      return timer_.arm_ms(kReadAgain_ms);
    }
    return next();  // a modem that has gone or restarted: ready() comes again
  }
  const auto counts = at_fields(results.front().line("+CPMS:"));
  storage.used = at_number(counts, 0).value_or(0);
  storage.total = at_number(counts, 1).value_or(0);
  storage.digests.clear();
  storage.shown.clear();
  for (size_t i = 0; i + 1 < last.lines.size(); ++i) {
    const auto fields = at_fields(last.lines[i]);
    const auto index = at_number(fields, 0), state = at_number(fields, 1);
    const bool is_head = last.lines[i].rfind("+CMGL:", 0) == 0;
    if (!is_head || !index || !state || *index < 0 || *index > UINT32_MAX) continue;
    if (storage.digests.count(static_cast<uint32_t>(*index)) != 0) continue;  // a doubled line
    take(storage, static_cast<uint32_t>(*index), *state, last.lines[i + 1]);
  }
  for (const Slot& slot : joiner_.take_doubles()) {
    ++counters_.doubles;
    told_.push_back({{slot}, {}, {}, {}, true, {}});
  }
  if (last.cut) storage.asked = true;  // the rest, when these are deleted
  if (storage.total > 0 && storage.used >= storage.total) {
    if (!std::exchange(warned_full_, true)) host_.warn(trouble() + ": the network keeps what comes");
    if (pending_.empty() && told_.empty() && broken_.empty())
      if (auto oldest = joiner_.make_room()) pending_.push_back(std::move(*oldest));
  }
  next();
}

bool Inbox::is_known(const Slot& slot) const {
  const auto has = [&](const std::vector<Slot>& slots) {
    return std::find(slots.begin(), slots.end(), slot) != slots.end();
  };
  return joiner_.holds(slot) ||
         std::any_of(pending_.begin(), pending_.end(), [&](const Message& m) { return has(m.slots); }) ||
         std::any_of(broken_.begin(), broken_.end(), [&](const Broken& b) { return b.slot == slot; }) ||
         std::any_of(told_.begin(), told_.end(), [&](const Told& t) { return has(t.slots); });
}

void Inbox::take(Storage& storage, uint32_t index, int64_t state, const std::string& hex) {
  const Slot slot{storage.name, index, digest_of(hex)};
  storage.digests[index] = slot.digest;
  Pdu pdu;
  std::string why;
  try {
    pdu = decode(hex);
  } catch (const dtu::Failure& failure) {
    why = failure.what();
  }
  if (!lists_.empty() && storage.shown.size() < kMostShown) {
    std::string text = text_of(pdu.coding, pdu.body);
    if (order_in(text) || (is_listed(pdu.peer) && botched_in(text))) text.clear();  // it may have the password
    storage.shown += (storage.shown.empty() ? "" : ",") + std::string("{\"storage\":\"") + storage.name +
                     "\",\"index\":" + std::to_string(index) + ",\"state\":" + std::to_string(state) +
                     ",\"peer\":" + dtu::quoted(pdu.peer.text) + ",\"text\":" + dtu::quoted(text) +
                     ",\"time\":" + dtu::quoted(pdu.time) + "}";
  }
  constexpr int64_t kFirstOwn = 2;  // 2 and 3 were written here, to be sent: not ours to delete
  if (state >= kFirstOwn || is_known(slot) || stays(slot)) return;
  if (handled_.was_told(slot)) {
    ++counters_.doubles;
    told_.push_back({{slot}, {}, {}, {}, true, {}});
  } else if (!why.empty()) {
    broken_.push_back({why, hex, slot});
  } else if (pdu.kind == Pdu::Kind::received) {
    for (Message& m : joiner_.add(pdu, slot, host_.monotonic_ns())) pending_.push_back(std::move(m));
  } else {
    told_.push_back({{slot}, {}, {}, {}, true, {}});  // a report of delivery, which nobody asked for
  }
}

// --- handing over

bool Inbox::hand_over() {
  for (; !broken_.empty(); broken_.pop_front()) {
    const Broken& b = broken_.front();
    const std::string json = R"({"from":"","text":"","time":"","broken":)" + dtu::quoted(b.why) +
                             ",\"pdu\":" + dtu::quoted(b.hex.substr(0, kMostEvent / 2)) + "}";
    if (!publish(json)) return false;
    ++counters_.broken;
    handled_.note_told(b.slot);
    told_.push_back({{b.slot}, {}, {}, {}, true, {}});
  }
  while (!pending_.empty() && tell(pending_.front())) pending_.pop_front();
  handled_.save_told();
  return pending_.empty();
}

// False: later. What the host will never take is not tried again: it would stop all that comes behind.
bool Inbox::publish(const std::string& json) {
  const dtu_status status = events_.publish(received_event.name, json);
  if (status == DTU_AGAIN || status == DTU_E_CLOSED) return false;
  if (status != DTU_OK) host_.warn("dtud takes no event of an SMS (" + std::to_string(status) + "): see sms.list");
  return true;
}

std::optional<Botched> Inbox::botched_of(const Message& message) {
  if (message.binary || message.port) return std::nullopt;
  if (const auto order = order_in(message.text); order && !message.missing.empty())
    return Botched{name_of(*order), "parts of the message are missing: send it again"};
  return botched_in(message.text);
}

bool Inbox::is_listed(const Address& from) const {
  const auto& allowed = settings_.commands_from;
  return !from.alphanumeric && std::find(allowed.begin(), allowed.end(), from.text) != allowed.end();
}

bool Inbox::tell(const Message& message) {
  const bool may_be_order =
      !settings_.commands_from.empty() && !message.binary && !message.port && message.missing.empty();
  std::optional<Order> order = may_be_order ? order_in(message.text) : std::nullopt;
  const bool listed = is_listed(message.from);
  std::optional<Botched> botched = listed ? botched_of(message) : std::nullopt;
  const std::string digest = order && listed ? Handled::digest_of(message.slots) : std::string();
  const bool repeated = !digest.empty() && handled_.was_run(digest);
  const char* fate = repeated ? "repeated" : listed ? "run" : "refused";
  // The text of a command may have the password: the event has only its name.
  const std::string json = order     ? event_of(message, name_of(*order), fate)
                           : botched ? event_of(message, botched->word, "unreadable")
                                     : event_of(message, message.text, nullptr);
  if (!publish(json)) return false;
  ++counters_.received;
  if (!message.missing.empty()) ++counters_.incomplete;
  if (order && !listed) {
    ++counters_.refused;
    host_.warn("the command " + name_of(*order) + " came by SMS from a number that is not in commands_from");
    order.reset();
  }
  if (repeated) {
    ++counters_.repeated;
    host_.warn("the command " + name_of(*order) + " of an SMS was run before, and is not run again");
    order.reset();
  }
  recent_.push_back(json);
  size_t bytes = 0;
  for (const std::string& r : recent_) bytes += r.size();
  for (; recent_.size() > kMostRecent || bytes > kMostRecentBytes; recent_.pop_front()) bytes -= recent_.front().size();
  for (const Slot& slot : message.slots) handled_.note_told(slot);
  if (botched) host_.warn("a command that cannot be read came by SMS: " + botched->word);
  told_.push_back({message.slots, std::move(order), std::move(botched), message.from.text, true, digest});
  return true;
}

// --- deleting, then running

void Inbox::remove() {
  Told& told = told_.front();
  while (!told.slots.empty()) {
    const Slot& slot = told.slots.back();
    const Storage* storage = find(slot.storage);
    const auto lies = storage->digests.find(slot.index);
    if (lies == storage->digests.end() || lies->second != slot.digest) {  // not there any more
      told.slots.pop_back();
      continue;
    }
    busy_ = true;
    AtExchange select{"AT+CPMS=\"" + slot.storage + "\""};
    select.forms = {{"+CPMS: n,n,*"}};
    return run_chain(engine_, {select, AtExchange{"AT+CMGD=" + std::to_string(slot.index)}},
                     [this](const std::vector<AtResult>& results) { removed(results.back()); });
  }
  finish_removal();
}

void Inbox::removed(const AtResult& result) {
  busy_ = false;
  if (told_.empty()) return;
  if (result.end == AtEnd::gone || result.end == AtEnd::restarted || result.end == AtEnd::timeout) {
    if (started_) timer_.arm_ms(kTellAgain_ms);  // not known: it is tried again
    return;
  }
  Told& told = told_.front();
  Storage* storage = find(told.slots.back().storage);
  const bool gone = result.ok() || (result.end == AtEnd::cms && result.code == kCmsBadIndex);
  if (gone) {
    storage->digests.erase(told.slots.back().index);
    deleted_any_ = true;
    if (deletions_.size() >= kMostPlaces) deletions_.clear();
    ++deletions_[place_of(told.slots.back())];
  } else {
    ++counters_.undeletable;
    told.deleted = false;
    host_.warn("an SMS in " + told.slots.back().storage + " cannot be deleted: " + result.text);
  }
  told.slots.pop_back();
  if (!told.slots.empty()) return remove();
  finish_removal();
}

void Inbox::finish_removal() {
  const Told told = std::move(told_.front());
  told_.pop_front();
  if (told.order && told.deleted)
    keep_then_run(told);
  else if (told.order)
    host_.warn("the command " + name_of(*told.order) + " of an SMS was not run: it would run again after a restart");
  if (told.botched && told.deleted) refuse_(*told.botched, told.from);
  next();
}

// On the disk first: after a power cut in between it is not run, which its sender sees by the missing answer.
void Inbox::keep_then_run(const Told& told) {
  handled_.note_run(told.digest, [this, order = *told.order, from = told.from](const std::string& trouble) {
    if (!trouble.empty()) host_.warn("the command " + name_of(order) + " of an SMS was not run: " + trouble);
    run_(order, from, trouble);
  });
}

// The modem says it deleted it, and it lies there still: once more, then it is left alone. Deleting it for ever would
// keep a full storage and the line busy.
bool Inbox::stays(const Slot& slot) {
  const auto found = deletions_.find(place_of(slot));
  if (found == deletions_.end() || found->second < kMostDeletions) return false;
  if (found->second++ == kMostDeletions) {
    ++counters_.undeletable;
    host_.warn("an SMS in " + slot.storage + " cannot be deleted: the modem says that it did, and has it still");
  }
  return true;
}

// --- sms.list

void Inbox::list(uint64_t call) {
  constexpr size_t kMostLists = 8;
  if (!started_) throw dtu::Failure::retryable(DTU_E_CLOSED, "the modem does not answer");
  if (lists_.size() >= kMostLists) throw dtu::Failure::retryable(DTU_AGAIN, "8 calls of sms.list wait already");
  lists_.push_back(call);
  look();
}

void Inbox::cancel(uint64_t call) { lists_.erase(std::remove(lists_.begin(), lists_.end(), call), lists_.end()); }

void Inbox::answer_lists() {
  if (lists_.empty()) return;
  std::string stored, recent;
  for (const Storage& s : storages_)
    if (!s.shown.empty()) stored += (stored.empty() ? "" : ",") + s.shown;
  for (const std::string& r : recent_) recent += (recent.empty() ? "" : ",") + r;
  for (const uint64_t call : std::exchange(lists_, {}))
    host_.reply(call, "{\"stored\":[" + stored + "],\"recent\":[" + recent + "]}");
}

}  // namespace hal_ec600::sms
