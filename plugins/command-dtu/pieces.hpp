// A JSON object that a stream delivers in pieces, put together again: a command may be cut anywhere. Bounded in bytes,
// in time and in peers. What does not become an object is given back. Its rest may come later and hold the password,
// so that a peer is followed for 30 s, to the end of the object, or until text comes that cannot belong to it:
// - The rest of what named a command or a password is dropped.
// - The rest of anything else is data, up to the piece that names a command or a password together with the piece
//   before. From there on it is dropped.
#pragma once
#include <dtu/sdk/host.hpp>

#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>

#include "object_scan.hpp"

namespace command_dtu {

class Pieces {
 public:
  static constexpr size_t bytes_max = 65536;             // of one object
  static constexpr size_t peers_max = 32;                // with an object begun
  static constexpr size_t followed_max = 256;            // peers, the oldest are forgotten
  static constexpr size_t rests_max = 32 * 65536;        // bytes of rests that are kept to find commands in them
  static constexpr int64_t silence_ns = 2'000'000'000;   // without a further piece
  static constexpr int64_t whole_ns = 30'000'000'000;    // from the first piece to the last
  static constexpr int64_t follow_ns = 30'000'000'000;   // a peer whose object was right so far
  static constexpr int64_t doubtful_ns = 5'000'000'000;  // one with mistakes: much may be its rest

  enum class What : uint8_t {
    text,      // no object after all: data, or a command that cannot be read
    too_long,  // a command; text is its first bytes_max bytes
    rest,      // data that follows text given back before
    secret,    // like rest, but it names a command or a password: must be answered, and must not go to the line
    dropped,   // no text: so many bytes of the rest of a command were dropped
  };
  struct Given {
    uint32_t channel = 0;
    uint64_t peer = 0;
    std::string text;
    What what = What::text;
    size_t bytes = 0;  // of dropped
  };
  using Release = std::function<void(const Given&)>;

  // release: gets what is no object after all. It must not call this object.
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
  // Text that went to the line (secret: that was answered) without being held: it may end within an object, whose rest
  // is still to come.
  void follow(uint32_t channel, uint64_t peer, std::string_view text, bool secret);
  // The channel's connection ended: nothing will complete what it began.
  void end(uint32_t channel);
  [[nodiscard]] size_t held_bytes() const noexcept;

 private:
  enum class State : uint8_t {
    held,      // text is the object as far as it came
    followed,  // text is the end of what was given back
    dropping,  // text is the rest as far as it came
  };
  struct Held {
    Given given;
    ObjectScan scan;
    int64_t begun_ns, silent_until_ns;
    State state = State::held;
    int64_t follow_until_ns = 0;
    bool mistaken = false;      // no object can become of it
    bool bare = false;          // it did not begin with a bracket: nothing tells where it ends
    size_t rest_from = 0;       // where the rest begins in the object
    size_t looked_at = 0;       // bytes there were when the reader was asked last
    bool looked_again = false;  // the time was over once, and whatever waited in the descriptor had its turn
    [[nodiscard]] int64_t due_ns() const {
      return state != State::held ? follow_until_ns : std::min(silent_until_ns, begun_ns + whole_ns);
    }
  };
  using List = std::list<Held>;
  List::iterator find(uint32_t channel, uint64_t peer);
  void give_up(List::iterator held);
  void start_following(Held& held, State state);
  void forget_oldest();
  Taken split(List::iterator held, const std::string& text, size_t command);
  std::optional<Taken> take_rest(List::iterator held, std::string_view bytes);
  Taken pass_rest(List::iterator held, std::string_view bytes);
  Taken drop_rest(List::iterator held, std::string_view bytes);
  void on_time();
  void arm();

  dtu::Host host_;
  Release release_;
  dtu::Timer timer_;
  List held_;  // oldest first
};

}  // namespace command_dtu
