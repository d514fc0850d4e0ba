// A folder of its own for one test, as strict as the loader wants it whatever the umask of the build tree.
#pragma once
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace dtud::plugins {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "dtu-loader-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = std::filesystem::canonical(name);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ec;
    std::filesystem::remove_all(path_, ec);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  // A copy of a fixture that only its owner may write.
  [[nodiscard]] std::filesystem::path fixture(const std::string& name) const {
    namespace fs = std::filesystem;
    const fs::path copy = path_ / (fs::path(name).filename().string() + ".so");
    fs::copy_file(fs::path(DTUKIT_FIXTURES) / (name + ".so"), copy);
    fs::permissions(copy, fs::perms::owner_all | fs::perms::group_read | fs::perms::others_read);
    return copy;
  }
  [[nodiscard]] std::filesystem::path file(const std::string& name, const std::string& content = "") const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    std::filesystem::permissions(path_ / name,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace dtud::plugins
