// Traffic of a stream as others may see it: a secret may come in one piece of it, and its name in the one before.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "log/scrubber.hpp"

namespace dtud {

// For one watcher of any number of streams. One thread at a time.
class SecretStreams {
 public:
  explicit SecretStreams(SecretNames names) : names_(std::move(names)) {}

  // `piece`, which follows what this was called with for the same stream before, as Scrubber::blot() shows it.
  [[nodiscard]] std::string shown(const Scrubber& scrubber, const std::string& stream, std::string_view piece);

 private:
  static constexpr size_t kMost = 64;      // streams remembered
  static constexpr size_t kTail = 512;     // bytes of one: a name, and a list that has begun
  static constexpr size_t kSecret = 4096;  // where a secret has begun and not ended

  SecretNames names_;
  std::map<std::string, std::string> tails_;
};

}  // namespace dtud
