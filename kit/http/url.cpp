#include <dtu/kit/http/url.hpp>

#include <algorithm>
#include <cctype>
#include <dtu/sdk/address.hpp>
#include <dtu/sdk/host_name.hpp>
#include <dtu/sdk/text.hpp>

namespace http {
namespace {

constexpr size_t kLongest = 2048;

[[noreturn]] void refuse(std::string_view text, const std::string& why) {
  throw dtu::Failure(DTU_E_INVALID, "\"" + dtu::shown_url(text) + "\" cannot be used: " + why);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

bool begins(std::string_view text, std::string_view with) { return lower(text.substr(0, with.size())) == with; }

void set_authority(Url& url, std::string_view authority, std::string_view whole) {
  if (authority.find('@') != std::string_view::npos)
    refuse(whole, "a user name and a password do not belong in it: give the header Authorization");
  const dtu::HostPort read = dtu::read_host_port(authority);
  if (!read.problem.empty()) refuse(whole, read.problem);
  url.host = lower(read.host);
  url.port = read.port != 0 ? read.port : url.tls ? 443 : 80;
}

// RFC 3986, 5.2.4: "." stays, ".." goes up.
std::string without_dots(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view part = path.substr(0, end);
    path.remove_prefix(end);
    const bool up = part == "/..";
    if (up) out.erase(std::min(out.rfind('/'), out.size()));
    if (!up && part != "/.")
      out += part;
    else if (path.empty())
      out += '/';
  }
  return out;
}

}  // namespace

std::string Url::authority() const {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port == (tls ? 443 : 80) ? name : name + ":" + std::to_string(port);
}

std::string Url::shown() const {
  return (tls ? "https://" : "http://") + authority() + target.substr(0, std::min(target.find('?'), target.size()));
}

Url parse_url(std::string_view text) {
  if (text.size() > kLongest) refuse(text, "it is longer than " + std::to_string(kLongest) + " bytes");
  const auto printable = [](char c) { return c > ' ' && c < '\x7f'; };
  if (!std::all_of(text.begin(), text.end(), printable))
    refuse(text, "spaces and characters outside ASCII must be percent-encoded (%20)");
  Url url;
  url.tls = begins(text, "https://");
  if (!url.tls && !begins(text, "http://")) refuse(text, "it must begin with http:// or https://");
  std::string_view rest = text.substr(url.tls ? 8 : 7);
  rest = rest.substr(0, rest.find('#'));
  const size_t path = std::min(rest.find_first_of("/?"), rest.size());
  set_authority(url, rest.substr(0, path), text);
  url.target = rest.substr(path);
  if (url.target.empty() || url.target.front() == '?') url.target.insert(0, 1, '/');
  return url;
}

Url follow(const Url& from, std::string_view location) {
  const std::string server = (from.tls ? "https://" : "http://") + from.authority();
  const size_t colon = location.find(':');
  if (colon < location.find_first_of("/?#")) return parse_url(location);
  if (begins(location, "//")) return parse_url((from.tls ? "https:" : "http:") + std::string(location));
  const std::string path = from.target.substr(0, std::min(from.target.find('?'), from.target.size()));
  std::string target(location);
  if (location.empty() || location.front() == '?') {
    target.insert(0, path);
  } else if (location.front() != '/') {
    target.insert(0, path.substr(0, path.rfind('/') + 1));
  }
  const size_t query = std::min(target.find_first_of("?#"), target.size());
  return parse_url(server + without_dots(std::string_view(target).substr(0, query)) + target.substr(query));
}

}  // namespace http
