#include "joiner.hpp"

#include <algorithm>

namespace hal_ec600::sms {
namespace {

constexpr const char* kGap = "\xE2\x80\xA6";  // …

bool same(const Address& a, const Address& b) { return a.alphanumeric == b.alphanumeric && a.text == b.text; }

Message whole(const Pdu& pdu, const Slot& slot) {
  Message message;
  message.from = pdu.peer;
  message.time = pdu.time;
  message.text = text_of(pdu.coding, pdu.body);
  message.binary = pdu.coding == Coding::octets;
  message.port = pdu.port;
  message.slots = {slot};
  return message;
}

}  // namespace

std::vector<Message> Joiner::add(const Pdu& pdu, const Slot& slot, int64_t now_ns) {
  if (!pdu.part) return {whole(pdu, slot)};
  std::vector<Message> out;
  Place place = find(pdu);
  if (place != waiting_.end()) {
    const auto known = place->pieces.find(pdu.part->number);
    if (known != place->pieces.end()) {
      if (known->second.slot == slot) return out;  // read again
      if (known->second.coding == pdu.coding && known->second.body == pdu.body) {
        if (doubles_.size() < kMostParts) doubles_.push_back(slot);
        return out;
      }
      out.push_back(take(place));  // the sender uses the reference again
      place = waiting_.end();
    }
  }
  if (place == waiting_.end()) {
    if (waiting_.size() >= kMostWaiting) out.push_back(take(waiting_.begin()));
    waiting_.push_back({pdu.peer, *pdu.part, {}, {}, {}, now_ns});
    place = std::prev(waiting_.end());
  }
  while (parts_ >= kMostParts && waiting_.size() > 1)
    out.push_back(take(waiting_.begin() == place ? std::next(waiting_.begin()) : waiting_.begin()));
  if (place->time.empty()) place->time = pdu.time;
  if (!place->port) place->port = pdu.port;
  place->pieces.emplace(pdu.part->number, Piece{pdu.coding, pdu.body, slot});
  place->last_ns = now_ns;
  ++parts_;
  if (place->pieces.size() == place->key.total) out.push_back(take(place));
  return out;
}

std::vector<Message> Joiner::expired(int64_t now_ns) {
  std::vector<Message> out;
  for (Place at = waiting_.begin(); at != waiting_.end();) {
    const Place which = at++;
    if (now_ns - which->last_ns >= patience_ns_) out.push_back(take(which));
  }
  return out;
}

std::optional<Message> Joiner::make_room() {
  if (waiting_.empty()) return std::nullopt;
  return take(waiting_.begin());
}

bool Joiner::holds(const Slot& slot) const {
  return std::any_of(waiting_.begin(), waiting_.end(), [&](const Waiting& w) {
    return std::any_of(w.pieces.begin(), w.pieces.end(), [&](const auto& p) { return p.second.slot == slot; });
  });
}

std::optional<int64_t> Joiner::next_ns() const {
  const auto first = std::min_element(waiting_.begin(), waiting_.end(),
                                      [](const Waiting& a, const Waiting& b) { return a.last_ns < b.last_ns; });
  if (first == waiting_.end()) return std::nullopt;
  return first->last_ns + patience_ns_;
}

Joiner::Place Joiner::find(const Pdu& pdu) {
  return std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) {
    return w.key.reference == pdu.part->reference && w.key.wide == pdu.part->wide && w.key.total == pdu.part->total &&
           same(w.from, pdu.peer);
  });
}

// Pieces of one alphabet that follow each other are read together: some senders split an escape or a surrogate pair.
Message Joiner::take(Place which) {
  Message message;
  message.from = which->from;
  message.time = which->time;
  message.port = which->port;
  message.parts = which->key.total;
  std::string body;
  Coding coding = Coding::gsm7;
  const auto flush = [&] {
    message.text += text_of(coding, body);
    body.clear();
  };
  bool gap = false;
  for (unsigned number = 1; number <= which->key.total; ++number) {
    const auto piece = which->pieces.find(number);
    if (piece == which->pieces.end()) {
      message.missing.push_back(number);
      flush();
      if (!gap) message.text += kGap;
      gap = true;
      continue;
    }
    gap = false;
    if (piece->second.coding != coding) flush();
    coding = piece->second.coding;
    if (coding == Coding::octets) message.binary = true;
    body += piece->second.body;
    message.slots.push_back(piece->second.slot);
  }
  flush();
  parts_ -= which->pieces.size();
  waiting_.erase(which);
  return message;
}

}  // namespace hal_ec600::sms
