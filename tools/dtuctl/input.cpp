#include "input.hpp"

#include <Poco/JSONString.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "failure.hpp"
#include "json.hpp"

namespace dtuctl {

std::string read_input(const std::string& file) {
  constexpr size_t most = 1U << 20U;
  const bool standard = file == "-";
  const auto close = [](FILE* f) {
    if (f != stdin) std::fclose(f);  // NOLINT(cppcoreguidelines-owning-memory)
  };
  const std::unique_ptr<FILE, decltype(close)> in(standard ? stdin : std::fopen(file.c_str(), "rbe"), close);
  if (in == nullptr) throw Failure(kUsage, "cannot read " + file + ": " + std::generic_category().message(errno));
  std::string text(most + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), in.get()));
  if (std::ferror(in.get()) != 0)
    throw Failure(kUsage, "cannot read " + file + ": " + std::generic_category().message(errno));
  if (text.size() > most) throw Failure(kUsage, file + " is larger than 1 MiB, the limit of dtud");
  return text;
}

std::string quoted(const std::string& text) { return Poco::toJSON(text); }

std::string json_or_string(const std::string& word) {
  try {
    static_cast<void>(Json::parse(word, "", kUsage));
    return word;
  } catch (const Failure&) {
    return quoted(word);
  }
}

}  // namespace dtuctl
