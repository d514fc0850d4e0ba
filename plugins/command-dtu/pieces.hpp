// A JSON object that a stream delivered in pieces, put together again: a command may be cut anywhere. Bounded in bytes,
// in time and in peers; what does not become an object is given back, to be data.
#pragma once
#include <dtu/sdk/host.hpp>

#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>

#include "json_view.hpp"

namespace command_dtu {

// Tells without looking back whether text can still become a JSON object, and where the object ends. It lets more
// through than the grammar does: what it finds whole is read again.
class ObjectScan {
 public:
  enum class Verdict : uint8_t { more, whole, bad };
  // used: the bytes up to the end of the object, when it is whole.
  Verdict feed(std::string_view text, size_t& used);

 private:
  [[nodiscard]] Verdict outside(char c);
  int depth_ = 0;
  bool in_string_ = false, escaped_ = false, opened_ = false;  // opened_: right behind {
};

class Pieces {
 public:
  static constexpr size_t bytes_max = 65536;  // of one object
  static constexpr size_t peers_max = 32;
  static constexpr int64_t silence_ns = 2'000'000'000;  // without a further piece
  static constexpr int64_t whole_ns = 30'000'000'000;   // from the first piece to the last

  using Release = std::function<void(uint32_t channel, std::string_view bytes)>;

  // release: gives bytes back that are no object after all.
  Pieces(dtu::Host host, Release release);

  // Takes the next bytes of a peer that an object was begun for. False: there is none, or it came to nothing and was
  // released; `bytes` are to be looked at by themselves. True: they belong to it, up to `used`; `object` is not empty
  // when that completed it.
  bool go_on(uint32_t channel, uint64_t peer, std::string_view bytes, size_t& used, std::string& object);
  // The beginning of an object. False: it cannot be one, or is too long.
  bool begin(uint32_t channel, uint64_t peer, std::string_view bytes);
  // The channel's connection ended: nothing will complete what it began.
  void end(uint32_t channel);
  [[nodiscard]] size_t held_bytes() const noexcept;

 private:
  struct Held {
    uint32_t channel;
    uint64_t peer;
    ObjectScan scan;
    std::string text;
    int64_t begun_ns, silent_until_ns;
    bool looked_again = false;  // the time was over once, and whatever waited in the descriptor had its turn
    [[nodiscard]] int64_t due_ns() const { return std::min(silent_until_ns, begun_ns + whole_ns); }
  };
  using List = std::list<Held>;
  void release(List::iterator held);
  void on_time();
  void arm();

  dtu::Host host_;
  Release release_;
  dtu::Timer timer_;
  List held_;  // oldest first
};

}  // namespace command_dtu
