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

}  // namespace

Link::Link(dtu::Host host, std::string path, std::string target, const std::string& port)
    : host_(host), path_(std::move(path)), target_(std::move(target)), key_("link." + port) {
  std::error_code error;
  if (fs::is_symlink(path_, error) && (!fs::exists(path_, error) || target_of(path_) == remembered(host_, key_)))
    fs::remove(path_, error);
  fs::create_symlink(target_, path_, error);
  if (error == std::errc::file_exists)
    throw dtu::Failure(DTU_E_INVALID, "port " + port + ": " + path_ +
                                          " exists and is not a link of dtud: remove it or choose another link");
  if (error)
    throw dtu::Failure(DTU_E_IO, "port " + port + ": the link " + path_ + " cannot be created: " + error.message());
  if (const auto* kv = host_.service<dtu_kv_service>(DTU_KV_SERVICE))
    kv->set(host_.instance(), dtu::str(key_), dtu::str(target_));
}

Link::~Link() {
  std::error_code ignored;
  if (target_of(path_) == target_) fs::remove(path_, ignored);
}

}  // namespace hal_sim
