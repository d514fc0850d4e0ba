// What the documents say: ours about where to ask, the server's about what to take.
#pragma once
#include <string>
#include <string_view>

namespace command_acquire {

// From the device document.
struct Source {
  bool on = false;  // service_acquire
  std::string url;  // acquire_url
  std::string version;
};
// Throws dtu::Failure when it is no JSON object.
[[nodiscard]] Source read_source(std::string_view document);

// The address to ask: the url with imei and ver.
[[nodiscard]] std::string address(const Source& source, std::string_view imei);

// The version of a document a server offers. Throws dtu::Failure when it is no JSON object, or has none.
[[nodiscard]] std::string offered_version(std::string_view document);

// The text of a JSON value: "86..." or 86... "" when it is neither text nor number.
[[nodiscard]] std::string plain(std::string_view json);

}  // namespace command_acquire
