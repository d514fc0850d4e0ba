#include "tls_files.hpp"

#include <utility>

namespace channel_tcp {
namespace {

constexpr int64_t kOldNs = 60'000'000'000;

}  // namespace

void TlsFiles::load(std::function<void(const std::string& problem)> then) {
  if (busy_) return;
  busy_ = worker_.run(
      [settings = settings_, server = server_] {
        return server ? tls::make_server_context(settings) : tls::make_client_context(settings);
      },
      [this, then = std::move(then)](const dtu::Worked<tls::Context>& read) {
        busy_ = false;
        read_ns_ = host_.monotonic_ns();
        if (read.ok()) context_ = *read.value;
        then(read.error);
      });
}

bool TlsFiles::old() const { return host_.monotonic_ns() - read_ns_ >= kOldNs; }

}  // namespace channel_tcp
