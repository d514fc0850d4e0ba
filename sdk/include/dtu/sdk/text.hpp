// Strings and errors across the boundary.
#pragma once
#include <dtu/abi.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace dtu {

inline std::string_view view(dtu_str s) noexcept { return {s.ptr, static_cast<size_t>(s.len)}; }
inline dtu_str str(std::string_view s) noexcept { return {s.data(), s.size()}; }

// Fills a dtu_error, cutting the text to its room (never inside a UTF-8 sequence), and returns the code.
inline dtu_status fail(dtu_error* err, dtu_status code, std::string_view text, uint32_t flags = 0,
                       uint32_t protocol_code = 0) noexcept {
  if (err != nullptr) {
    err->struct_size = sizeof *err;
    err->code = code;
    err->flags = flags;
    err->protocol_code = protocol_code;
    size_t n = std::min(text.size(), sizeof err->message - 1);
    while (n < text.size() && n > 0 && (static_cast<unsigned char>(text[n]) & 0xC0U) == 0x80U) --n;
    if (n != 0) std::memcpy(err->message, text.data(), n);  // an empty view may have no data
    err->message[n] = '\0';
  }
  return code;
}

// Thrown inside a plugin to fail the current call with a status of choice; the glue turns it into a dtu_error.
class Failure : public std::exception {
 public:
  // A JSON pointer to the setting that is wrong, "/tls/ca", for check().
  Failure&& at(std::string path) && {
    path_ = std::move(path);
    return std::move(*this);
  }
  Failure(dtu_status code, std::string text, uint32_t flags = 0, uint32_t protocol_code = 0)
      : code_(code), flags_(flags), protocol_code_(protocol_code), text_(std::move(text)) {}
  static Failure retryable(dtu_status code, std::string text) { return {code, std::move(text), DTU_ERR_RETRYABLE}; }
  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }
  [[nodiscard]] dtu_status code() const noexcept { return code_; }
  [[nodiscard]] uint32_t flags() const noexcept { return flags_; }
  [[nodiscard]] uint32_t protocol_code() const noexcept { return protocol_code_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  dtu_status code_;
  uint32_t flags_, protocol_code_;
  std::string text_, path_;
};

// Runs `body` and turns whatever it throws into a status: no exception leaves a plugin.
template <typename Body>
dtu_status guarded(dtu_error* err, Body&& body) noexcept {
  try {
    return body();
  } catch (const Failure& f) {
    return fail(err, f.code(), f.what(), f.flags(), f.protocol_code());
  } catch (const std::exception& e) {
    return fail(err, DTU_E_EXCEPTION, e.what());
  } catch (...) {
    return fail(err, DTU_E_EXCEPTION, "an exception that is not a std::exception");
  }
}

inline dtu_error make_error(dtu_status code, std::string_view text, uint32_t flags = 0,
                            uint32_t protocol_code = 0) noexcept {
  dtu_error e{};
  fail(&e, code, text, flags, protocol_code);
  return e;
}

}  // namespace dtu
