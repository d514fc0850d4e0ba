// A small file of dtud's own: one JSON object, replaced as a whole. Content that dtud cannot use is not destroyed: the
// file is renamed to FILE.rejected, for a person, and a start goes on without it.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "config/json_value.hpp"
#include "config/store.hpp"

namespace dtud::config {

constexpr std::string_view kRejected = ".rejected";

// Renames `file` to `file`.rejected, which replaces an older one. Works on a folder and on a link, too. A file that is
// not there is fine.
[[nodiscard]] bool set_aside(const std::string& file, FileError& error);

// The same, as the end of a message: "kept as FILE.rejected", or why the file is not kept.
[[nodiscard]] std::string set_aside(const std::string& file);

class StateFile {
 public:
  StateFile(std::string file, size_t most_bytes) : file_(std::move(file)), most_bytes_(most_bytes) {}

  // The object in the file. Nothing: there is no file, or `problem` says which file cannot be used and why. A file with
  // other content was set aside then; one that could not be read was not touched.
  [[nodiscard]] std::optional<Json> read(std::string& problem);
  // The object is not what dtud writes: sets the file aside. The problem's text.
  [[nodiscard]] std::string reject(const std::string& why);
  // The last read() failed although there is a file: what is in it is not known.
  [[nodiscard]] bool unread() const { return unread_; }
  // dtud --check: nothing is renamed.
  void set_read_only(bool read_only) { read_only_ = read_only; }

  // Replace or remove the file. A file that could not be read is set aside first.
  [[nodiscard]] bool write(std::string_view text, FileError& error);
  [[nodiscard]] bool remove(FileError& error);
  [[nodiscard]] const std::string& name() const { return file_; }

 private:
  const std::string file_;
  const size_t most_bytes_;
  bool unread_ = false, read_only_ = false;
};

}  // namespace dtud::config
