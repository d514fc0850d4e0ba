// SMS as they come: lines of hexadecimal digits, each a message, joined. No text is longer than its octets allow, no
// part is lost or given out twice, and what is waiting stays within its bounds. A text that can be sent comes back
// unchanged.
#include <dtu/sdk/host.hpp>

#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

#include "sms/alphabet.hpp"
#include "sms/joiner.hpp"
#include "sms/order.hpp"

namespace {

using namespace hal_ec600::sms;

[[noreturn]] void broken(const char* what) {
  std::fprintf(stderr, "fuzz-sms_pdu: %s\n", what);
  std::abort();
}

class Storage {
 public:
  void take(const Message& message) {
    (void)order_in(message.text);
    for (const Slot& slot : message.slots)
      if (held_.erase(slot.index) != 1) broken("a part came out twice");
  }
  void read(std::string_view line) {
    Pdu pdu;
    try {
      pdu = decode(line);
    } catch (const dtu::Failure&) {
      return;
    }
    if (text_of(pdu.coding, pdu.body).size() > 640) broken("a text is too long");
    held_.insert(++index_);
    for (const Message& m : joiner_.add(pdu, {"ME", index_}, index_)) take(m);
    for (const Slot& slot : joiner_.take_doubles()) held_.erase(slot.index);
    if (joiner_.waiting() > Joiner::kMostWaiting || joiner_.parts() > Joiner::kMostParts) broken("too much waits");
    if (joiner_.parts() != held_.size()) broken("a part is lost");
  }
  void end() {
    for (const Message& m : joiner_.expired(INT64_MAX)) take(m);
    if (!held_.empty() || joiner_.parts() != 0) broken("something is left");
  }

 private:
  Joiner joiner_{1'000'000};
  std::set<uint32_t> held_;
  uint32_t index_ = 0;
};

void send(std::string_view text) {
  if (from_utf8(text).size() > kMostCharacters) return;
  std::string back, whole;
  for (const char32_t c : from_utf8(text)) put_utf8(whole, c);
  for (const Submit& part : encode("+1", text, 1)) {
    const Pdu pdu = decode(part.hex);
    back += text_of(pdu.coding, pdu.body);
  }
  if (back != whole) broken("a text came back changed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Storage storage;
  for (size_t at = 0; at < input.size();) {
    const size_t end = std::min(input.find('\n', at), input.size());
    storage.read(input.substr(at, end - at));
    at = end + 1;
  }
  storage.end();
  (void)order_in(input);
  send(input);
  return 0;
}
