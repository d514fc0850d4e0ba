// Traffic of a stream as others may see it: a secret may come in one piece of it, and its name in the one before.
#pragma once
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <string_view>

#include "log/scrubber.hpp"

namespace dtud {

// For one watcher of any number of streams. One thread at a time.
class SecretStreams {
 public:
  static constexpr size_t kLongestTail = 4096;  // remembered of a stream

  explicit SecretStreams(SecretNames names) : names_(std::move(names)) {}

  // `piece`, which follows what this was called with for the same stream before, as Scrubber::blot() shows it.
  [[nodiscard]] std::string shown(const Scrubber& scrubber, const std::string& stream, std::string_view piece);

 private:
  static constexpr size_t kMost = 1024;               // streams remembered
  static constexpr size_t kMostBytes = 256UL * 1024;  // of all tails

  // Bytes. Something longer is a secret whose end has been lost, with other data behind it.
  static constexpr size_t kLongestSecret = 16UL * 1024;

  struct Stream {
    std::string name, tail;
    size_t hidden;  // bytes of the last pieces, each of which ended in a secret
  };

  Stream& used(const std::string& name);

  SecretNames names_;
  std::list<Stream> streams_;  // the one used last is the first
  std::map<std::string, std::list<Stream>::iterator, std::less<>> by_name_;
  size_t bytes_ = 0;
};

}  // namespace dtud
