#include <dtu/kit/tls/settings.hpp>

namespace tls {

Settings read_settings(const dtu::Json& config) {
  Settings out;
  const dtu::Json value = config["tls"];
  if (value.raw() == "true" || value.raw() == "false") {
    out.on = value.flag();
    return out;
  }
  if (!value.exists()) return out;
  out.on = true;
  out.verify = value["verify"].flag(true);
  out.ca = value["ca"].text();
  out.cert = value["cert"].text();
  out.key = value["key"].text();
  return out;
}

}  // namespace tls
