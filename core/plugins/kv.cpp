#include "plugins/kv.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "config/state_file.hpp"

namespace dtud::plugins {
namespace {

constexpr size_t kLongestValue = 64U << 10U;

bool is_key(std::string_view key) {
  return !key.empty() && key.size() <= 64 && key.front() != '.' &&
         key.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
             std::string_view::npos;
}

bool make_folder(const std::string& path) { return ::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST; }

}  // namespace

Kv::Kv(const std::string& kv_dir, const std::string& instance) : parent_(kv_dir), dir_(kv_dir + "/" + instance) {
  for (size_t i = kv_dir.size() + 1; i < dir_.size(); ++i)
    if (dir_[i] == ' ' || dir_[i] == '/') dir_[i] = '-';
}

dtu_status Kv::failed(const std::string& problem) {
  problem_ = problem;
  return DTU_E_IO;
}

dtu_status Kv::get(std::string_view key, std::string& value) {
  if (!is_key(key)) return DTU_E_INVALID;
  config::FileError error;
  auto text = config::read_file(dir_ + "/" + std::string(key), kLongestValue, error);
  if (!text) return error.code == ENOENT ? DTU_E_NOT_FOUND : failed(error.text);
  value = std::move(*text);
  return DTU_OK;
}

dtu_status Kv::set(std::string_view key, std::string_view value) {
  if (!is_key(key) || value.size() > kLongestValue) return DTU_E_INVALID;
  for (const std::string& folder : {parent_, dir_})
    if (!make_folder(folder)) return failed("cannot make " + folder + ": " + std::generic_category().message(errno));
  const std::string file = dir_ + "/" + std::string(key);
  config::FileError error;
  std::string before;
  const bool unread = get(key, before) == DTU_E_IO;
  if (unread && !config::set_aside(file, error)) return failed(error.text);
  return config::write_file(file, value, error) ? DTU_OK : failed(error.text);
}

dtu_status Kv::remove(std::string_view key) {
  if (!is_key(key)) return DTU_E_INVALID;
  const std::string file = dir_ + "/" + std::string(key);
  if (::unlink(file.c_str()) == 0) return DTU_OK;
  return errno == ENOENT ? DTU_E_NOT_FOUND
                         : failed("cannot remove " + file + ": " + std::generic_category().message(errno));
}

}  // namespace dtud::plugins
