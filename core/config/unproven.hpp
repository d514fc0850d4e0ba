// Which documents may be in the device file without having proved themselves. trial.json and the revision say it too;
// if both are lost, a start knows by this file that the document is no edit of a person.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "config/state_file.hpp"
#include "config/store.hpp"

namespace dtud::config {

struct Unproven {
  uint64_t revision = 0;  // 0: it could not be stored as one
  std::string source;     // who sent it, for people
  std::string digest;     // of the document
};

// SHA-256 as hexadecimal. White space does not count, as for documents that are the same.
[[nodiscard]] std::string digest_of(const std::string& document);

class UnprovenFile {
 public:
  explicit UnprovenFile(std::string file);
  // Empty: there are none, or `problem` says why the file cannot be used.
  [[nodiscard]] std::vector<Unproven> read(std::string& problem);
  [[nodiscard]] bool write(const std::vector<Unproven>& documents, FileError& error);
  [[nodiscard]] bool remove(FileError& error) { return file_.remove(error); }  // on disk when this returns

 private:
  StateFile file_;
};

}  // namespace dtud::config
