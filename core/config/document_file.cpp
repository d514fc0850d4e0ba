#include "config/document_file.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace dtud::config {

std::optional<DocumentFile::Seen> DocumentFile::look() const {
  struct stat info {};
  if (::stat(file_.c_str(), &info) != 0) return std::nullopt;
  return Seen{static_cast<uint64_t>(info.st_ino),         static_cast<int64_t>(info.st_size),
              static_cast<int64_t>(info.st_mtim.tv_sec),  static_cast<int64_t>(info.st_ctim.tv_sec),
              static_cast<int64_t>(info.st_mtim.tv_nsec), static_cast<int64_t>(info.st_ctim.tv_nsec)};
}

std::optional<std::string> DocumentFile::read(FileError& error) const { return read_file(file_, kMost, error); }

void DocumentFile::accept(const std::string& text) {
  known_ = text;
  seen_.reset();  // edited() compares the content once, and then knows
}

bool DocumentFile::edited() {
  const auto now = look();
  if (!now) return errno != ENOENT;
  if (seen_ && *seen_ == *now) return false;
  FileError error;
  const auto text = read(error);
  if (!text) return error.code != ENOENT;
  if (!known_ || *text != *known_) return true;
  seen_ = now;
  return false;
}

bool DocumentFile::write(const std::string& text, FileError& error) {
  if (!write_file(file_, text, error)) return false;
  accept(text);
  return true;
}

bool DocumentFile::keep_rejected(const std::string& file, FileError& error) {
  FileError unreadable;
  const std::string kept = file + ".rejected";
  if (const auto text = read_file(file, kMost, unreadable)) return write_file(kept, *text, error);
  if (unreadable.code == ENOENT || std::rename(file.c_str(), kept.c_str()) == 0) return true;
  const int code = errno;
  error = {code, "cannot move " + file + " to " + kept + ": " + std::generic_category().message(code)};
  return false;
}

bool DocumentFile::has_rejected() const { return ::access(rejected_path().c_str(), F_OK) == 0; }

}  // namespace dtud::config
