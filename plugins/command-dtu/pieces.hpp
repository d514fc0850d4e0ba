// A JSON object that a stream delivers in pieces, put together again: a command may be cut anywhere. Bounded in bytes,
// in time and in peers. What does not become an object is given back. Where that named cmd_code it is answered, and its
// rest must not go to the line either, for it may hold the password: for 30 s, and 64 KiB at most, what comes up to the
// end of the object, or up to the next command, is dropped.
#pragma once
#include <dtu/sdk/host.hpp>

#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json_view.hpp"

namespace command_dtu {

// Tells without looking back where an object ends, also one with mistakes in it: behind the bracket that closes it, or
// at a NUL.
class ObjectScan {
 public:
  static constexpr size_t doubts_max = 32;
  // How many of the bytes belong to the object, when it ends within them.
  std::optional<size_t> feed(std::string_view text);
  // Where, from the beginning of the object, a { stands although no value can, or within a string that ends behind the
  // {: another object may begin there.
  [[nodiscard]] const std::vector<size_t>& doubts() const noexcept { return doubts_; }
  [[nodiscard]] size_t fed() const noexcept { return fed_; }

 private:
  enum class End : uint8_t { no, before, behind };  // this byte
  [[nodiscard]] End outside(char c, size_t position);
  void inside(char c, size_t position);  // a string
  void doubt(size_t position);
  [[nodiscard]] bool in_list() const { return depth_ > 64 || (lists_ >> (depth_ - 1) & 1U) != 0; }
  void close(bool list);

  std::vector<size_t> doubts_;
  size_t fed_ = 0;
  uint64_t lists_ = 0;  // which of the open brackets are [, the outermost first; deeper ones are taken for lists
  size_t depth_ = 0;
  char last_ = '\0';             // outside strings
  char last_sign_ = '\0';        // the same without white space, comments and signs of numbers
  std::optional<size_t> brace_;  // within a string, with nothing but blanks behind it so far
  bool in_string_ = false, escaped_ = false, in_comment_ = false;
};

class Pieces {
 public:
  static constexpr size_t bytes_max = 65536;  // of one object
  static constexpr size_t peers_max = 32;
  static constexpr int64_t silence_ns = 2'000'000'000;  // without a further piece
  static constexpr int64_t whole_ns = 30'000'000'000;   // from the first piece to the last
  static constexpr int64_t late_ns = 30'000'000'000;    // the rest of a command that was given up is dropped so long

  struct Given {
    uint32_t channel = 0;
    uint64_t peer = 0;
    std::string text;       // at most bytes_max
    bool too_long = false;  // there was more of it
    size_t late_bytes = 0;  // not 0: no text, but so many bytes of the rest of a command were dropped
  };
  using Release = std::function<void(const Given&)>;

  // release: gets what is no object after all.
  Pieces(dtu::Host host, Release release);

  struct Taken {
    size_t used = 0;             // bytes that belong to the object begun
    std::optional<Given> ended;  // it ends within them
    std::string again;           // to be looked at as if it had just come, before the bytes that were not used
  };
  // Takes the next bytes of a peer that an object was begun for. Null: there is none, or it came to nothing and was
  // released; `bytes` are to be looked at by themselves.
  std::optional<Taken> go_on(uint32_t channel, uint64_t peer, std::string_view bytes);
  // The beginning of an object. False: it is whole already, or too long.
  bool begin(uint32_t channel, uint64_t peer, std::string_view bytes);
  // The channel's connection ended: nothing will complete what it began.
  void end(uint32_t channel);
  [[nodiscard]] size_t held_bytes() const noexcept;

 private:
  struct Held {
    Given given;  // late: text is the rest as far as it came
    ObjectScan scan;
    int64_t begun_ns, silent_until_ns;
    bool late = false;  // it was given up: its rest is dropped until late_until_ns
    int64_t late_until_ns = 0;
    size_t late_from = 0;       // where the rest begins in the object
    size_t looked_at = 0;       // bytes there were when the reader was asked last
    bool looked_again = false;  // the time was over once, and whatever waited in the descriptor had its turn
    [[nodiscard]] int64_t due_ns() const {
      return late ? late_until_ns : std::min(silent_until_ns, begun_ns + whole_ns);
    }
  };
  using List = std::list<Held>;
  void release(List::iterator held);
  void give_up(List::iterator held);
  Taken split(List::iterator held, const std::string& text, size_t command);
  Taken take_late(List::iterator held, std::string_view bytes);
  void on_time();
  void arm();

  dtu::Host host_;
  Release release_;
  dtu::Timer timer_;
  List held_;  // oldest first
};

}  // namespace command_dtu
