#include "plugins/loader/trust.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace dtud::plugins {
namespace fs = std::filesystem;
namespace {

std::string octal(mode_t mode) {
  char text[8] = {};
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777U));
  return text;
}

// What is wrong with the owner or the mode of a file or folder; "" = nothing.
std::string others_may_write(const fs::path& path, const struct stat& st) {
  const std::string name = path.string();
  if (st.st_uid != 0 && st.st_uid != geteuid())
    return name + ": belongs to user " + std::to_string(st.st_uid) +
           ", not to root or the user dtud runs as: chown root " + name;
  if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return name + ": others may write it (mode " + octal(st.st_mode) + "): chmod go-w " + name;
  return {};
}

std::string check_folder(const fs::path& folder) {
  struct stat st = {};
  if (stat(folder.c_str(), &st) != 0)
    return folder.string() + ": cannot be looked at: " + std::generic_category().message(errno);
  return others_may_write(folder, st);
}

}  // namespace

Trust check_trust(const fs::path& file) {
  std::error_code ec;
  Trust trust;
  trust.file = fs::canonical(file, ec);
  struct stat st = {};
  if (ec || stat(trust.file.c_str(), &st) != 0) {
    trust.refusal =
        file.string() + ": cannot be opened: " + (ec ? ec.message() : std::generic_category().message(errno));
    return trust;
  }
  if (!S_ISREG(st.st_mode)) {
    trust.refusal = file.string() + ": is not a regular file: put a plugin or a link to one there";
    return trust;
  }
  trust.refusal = others_may_write(trust.file, st);
  if (trust.refusal.empty()) trust.refusal = check_folder(trust.file.parent_path());
  if (trust.refusal.empty()) trust.refusal = check_folder(fs::absolute(file).parent_path());
  return trust;
}

}  // namespace dtud::plugins
