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
std::string somebody_elses(const fs::path& path, const struct stat& st) {
  if (st.st_uid == 0 || st.st_uid == geteuid()) return {};
  return path.string() + ": belongs to user " + std::to_string(st.st_uid) +
         ", not to root or the user dtud runs as: chown root " + path.string();
}

std::string others_may_write(const fs::path& path, const struct stat& st) {
  const std::string name = path.string();
  if (std::string refusal = somebody_elses(path, st); !refusal.empty()) return refusal;
  if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return name + ": others may write it (mode " + octal(st.st_mode) + "): chmod go-w " + name;
  return {};
}

std::string check_folder(const fs::path& folder) {
  struct stat st = {};
  if (stat(folder.c_str(), &st) != 0)
    return folder.string() + ": cannot be checked: " + std::generic_category().message(errno);
  return others_may_write(folder, st);
}

// Who may write a folder may put another one into the place of what is in it. Those above the plugins' own are an
// administrator's affair as far as groups go: Debian gives /usr/local to one. In a sticky folder everybody has only
// their own. The root folder is the last that could help.
std::string check_above(const fs::path& folder) {
  for (fs::path above = folder.parent_path(); above.has_relative_path(); above = above.parent_path()) {
    struct stat st = {};
    if (stat(above.c_str(), &st) != 0)
      return above.string() + ": cannot be checked: " + std::generic_category().message(errno);
    if (std::string refusal = somebody_elses(above, st); !refusal.empty()) return refusal;
    if ((st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0)
      return above.string() + ": everybody may write it (mode " + octal(st.st_mode) + "): chmod o-w " + above.string();
  }
  return {};
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
  for (const fs::path& folder : {trust.file.parent_path(), fs::absolute(file).parent_path()}) {
    if (trust.refusal.empty()) trust.refusal = check_folder(folder);
    if (trust.refusal.empty()) trust.refusal = check_above(folder);
  }
  return trust;
}

}  // namespace dtud::plugins
