#include "plugins/kv.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "config/store.hpp"

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

dtu_status Kv::get(std::string_view key, std::string& value) const {
  if (!is_key(key)) return DTU_E_INVALID;
  config::FileError error;
  auto text = config::read_file(dir_ + "/" + std::string(key), kLongestValue, error);
  if (!text) return error.code == ENOENT ? DTU_E_NOT_FOUND : DTU_E_IO;
  value = std::move(*text);
  return DTU_OK;
}

dtu_status Kv::set(std::string_view key, std::string_view value) const {
  if (!is_key(key) || value.size() > kLongestValue) return DTU_E_INVALID;
  if (!make_folder(parent_) || !make_folder(dir_)) return DTU_E_IO;
  config::FileError error;
  return config::write_file(dir_ + "/" + std::string(key), value, error) ? DTU_OK : DTU_E_IO;
}

dtu_status Kv::remove(std::string_view key) const {
  if (!is_key(key)) return DTU_E_INVALID;
  if (::unlink((dir_ + "/" + std::string(key)).c_str()) == 0) return DTU_OK;
  return errno == ENOENT ? DTU_E_NOT_FOUND : DTU_E_IO;
}

}  // namespace dtud::plugins
