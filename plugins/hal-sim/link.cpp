#include "link.hpp"

#include <filesystem>
#include <system_error>

namespace hal_sim {
namespace {

namespace fs = std::filesystem;

std::string target_of(const std::string& path) {
  std::error_code none;
  return fs::read_symlink(path, none).string();
}

std::string remembered(dtu::Host host, const std::string& key) {
  std::string target;
  if (const auto* kv = host.service<dtu_kv_service>(DTU_KV_SERVICE))
    kv->get(
        host.instance(), dtu::str(key),
        [](void* ctx, dtu_str value) { *static_cast<std::string*>(ctx) = dtu::view(value); }, &target);
  return target;
}

std::string not_ours(const std::string& path) {
  return path + " exists and is not a link of dtud: remove it or choose another link";
}

std::string not_created(const std::string& path, const std::error_code& why) {
  return "the link " + path + " cannot be created: " + why.message();
}

}  // namespace

std::string why_no_link(const std::string& path) {
  std::error_code error;
  const fs::file_status there = fs::symlink_status(path, error);
  // One to a pty may be the link of a dtud that runs now.
  const bool replaced =
      fs::is_symlink(there) && (!fs::exists(path, error) || target_of(path).rfind("/dev/pts/", 0) == 0);
  if (fs::exists(there)) return replaced ? "" : not_ours(path);
  const fs::file_status folder = fs::status(fs::path(path).parent_path(), error);
  if (fs::is_directory(folder)) return "";
  return not_created(path, std::make_error_code(fs::exists(folder) ? std::errc::not_a_directory
                                                                   : std::errc::no_such_file_or_directory));
}

Link::Link(dtu::Host host, std::string path, std::string target, const std::string& port)
    : host_(host), path_(std::move(path)), target_(std::move(target)), key_("link." + port) {
  std::error_code error;
  const auto ours = [&] {  // also one to our own pty: of a dtud that died before it had remembered it
    return !fs::exists(path_, error) || target_of(path_) == remembered(host_, key_) || target_of(path_) == target_;
  };
  if (fs::is_symlink(path_, error) && ours()) fs::remove(path_, error);
  fs::create_symlink(target_, path_, error);
  if (error == std::errc::file_exists) throw dtu::Failure(DTU_E_INVALID, "port " + port + ": " + not_ours(path_));
  if (error) throw dtu::Failure(DTU_E_IO, "port " + port + ": " + not_created(path_, error));
  if (const auto* kv = host_.service<dtu_kv_service>(DTU_KV_SERVICE))
    dtu_kv_set(kv, host_.instance(), dtu::str(key_), dtu::str(target_));
}

Link::~Link() {
  std::error_code ignored;
  if (target_of(path_) == target_) fs::remove(path_, ignored);
}

}  // namespace hal_sim
