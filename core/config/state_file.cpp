#include "config/state_file.hpp"

#include <cerrno>
#include <cstdio>
#include <exception>
#include <system_error>

#include "config/json_text.hpp"
#include "config/syntax.hpp"

namespace dtud::config {

namespace {

// One that holds a document may be larger than a document may be.
std::optional<Json> read_large(const std::string& text) {
  try {
    Json value = parse_trusted(text);
    if (as_object(value) != nullptr) return std::optional<Json>(std::in_place, std::move(value));
  } catch (const std::exception&) {  // it is no JSON
  }
  return std::nullopt;
}

}  // namespace

bool set_aside(const std::string& file, FileError& error) {
  const std::string kept = file + std::string(kRejected);
  if (std::rename(file.c_str(), kept.c_str()) == 0 || errno == ENOENT) return true;
  error = {errno, "cannot rename " + file + " to " + kept + ": " + std::generic_category().message(errno)};
  return false;
}

std::string set_aside(const std::string& file) {
  FileError error;
  return set_aside(file, error) ? "kept as " + file + std::string(kRejected) : error.text;
}

std::optional<Json> StateFile::read(std::string& problem) {
  problem.clear();
  unread_ = false;
  FileError error;
  const auto text = read_file(file_, most_bytes_, error);
  if (!text && error.code == EFBIG)
    return problem = reject("it has more than " + std::to_string(most_bytes_) + " bytes"), std::nullopt;
  if (!text) {
    unread_ = error.code != ENOENT;
    problem = unread_ ? error.text : "";
    return std::nullopt;
  }
  Findings findings;
  auto json = text->size() > kMaxDocument ? read_large(*text) : read_json(*text, file_, findings);
  if (!json) problem = reject(findings.empty() ? "it is no JSON object" : findings.front().message);
  return json;
}

std::string StateFile::reject(const std::string& why) {
  const std::string wrong = file_ + " is not what dtud wrote: " + why;
  return read_only_ ? wrong : wrong + "; " + set_aside(file_);
}

bool StateFile::write(std::string_view text, FileError& error) {
  if (unread_ && !set_aside(file_, error)) return false;
  unread_ = false;
  return write_file(file_, text, error);
}

bool StateFile::remove(FileError& error) {
  if (!unread_) return remove_file(file_, error);
  unread_ = false;
  return set_aside(file_, error);
}

}  // namespace dtud::config
