#include <dtu/kit/http/tls_settings.hpp>

#include <dtu/sdk/text.hpp>

namespace http {

Tls read_tls(const Poco::JSON::Object& config) {
  Tls tls;
  if (!config.has("tls") || config.isNull("tls")) return tls;
  const auto object = config.getObject("tls");
  if (!object) throw dtu::Failure(DTU_E_INVALID, "tls must be an object").at("/tls");
  const auto file = [&](const char* key) { return object->optValue<std::string>(key, ""); };
  tls.verify = object->optValue<bool>("verify", true);
  tls.ca = file("ca");
  tls.cert = file("cert");
  tls.key = file("key");
  if (tls.cert.empty() && !tls.key.empty())
    throw dtu::Failure(DTU_E_INVALID, "tls.key is given without tls.cert: give both or none").at("/tls/key");
  return tls;
}

}  // namespace http
