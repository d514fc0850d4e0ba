#include "tls/openssl.hpp"

#include <dlfcn.h>

#include <dtu/sdk/text.hpp>
#include <string>

#define DTU_TLS_TEXT_OF(value) #value
#define DTU_TLS_TEXT(value) DTU_TLS_TEXT_OF(value)

namespace tls {
namespace {

constexpr size_t kFunctions = static_cast<size_t>(OpenSsl::size_);
constexpr std::array<const char*, kFunctions> kNames{
#define DTU_OPENSSL_NAME(name) #name,
    DTU_OPENSSL_FUNCTIONS(DTU_OPENSSL_NAME)
#undef DTU_OPENSSL_NAME
};
constexpr char kLibrary[] = "libssl.so." DTU_TLS_TEXT(OPENSSL_SHLIB_VERSION);

// Never closed: OpenSSL keeps functions for the end of threads and of the program.
struct Library {
  std::array<void*, kFunctions> functions{};
  std::string problem;

  Library() {
    void* handle = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle == nullptr) {
      const char* why = ::dlerror();
      problem = why != nullptr ? why : kLibrary;
      return;
    }
    for (size_t i = 0; i < kFunctions; ++i) {
      functions[i] = ::dlsym(handle, kNames[i]);  // libcrypto's too: libssl needs it
      if (functions[i] == nullptr) problem = std::string(kLibrary) + " has no " + kNames[i];
    }
  }
};

const Library& library() {
  static const Library loaded;
  return loaded;
}

}  // namespace

void need_openssl() {
  if (!library().problem.empty()) throw dtu::Failure(DTU_E_UNSUPPORTED, "TLS cannot be used: " + library().problem);
}

void* openssl_function(OpenSsl which) { return library().functions[static_cast<size_t>(which)]; }

}  // namespace tls
