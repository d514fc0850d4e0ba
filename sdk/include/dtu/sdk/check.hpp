// check() of a component: a class has one when it declares
//   static void check(std::string_view config, dtu::Findings& found);
// It reads `config` by the function its constructor uses. A dtu::Failure thrown there is an error found, at its path().
#pragma once
#include <dtu/sdk/text.hpp>

#include <type_traits>

namespace dtu {

class Findings {
 public:
  Findings(dtu_finding_fn out, void* ctx) noexcept : out_(out), ctx_(ctx) {}
  // path: a JSON pointer into the configuration; "" = all of it.
  void error(std::string_view path, std::string_view text) const { tell(DTU_FINDING_ERROR, path, text); }
  void warning(std::string_view path, std::string_view text) const { tell(DTU_FINDING_WARNING, path, text); }
  void claim(std::string_view path, std::string_view name) const { tell(DTU_FINDING_CLAIM, path, name); }
  void offer(std::string_view path, std::string_view name) const { tell(DTU_FINDING_OFFER, path, name); }

 private:
  void tell(uint32_t level, std::string_view path, std::string_view text) const {
    const dtu_finding finding{sizeof finding, level, str(path), str(text)};
    out_(ctx_, &finding);
  }
  dtu_finding_fn out_;
  void* ctx_;
};

// What stands in dtu_ops.check: null for a class without one.
template <typename T, typename = void>
struct CheckOf {
  static constexpr decltype(dtu_ops::check) function = nullptr;
};
template <typename T>
struct CheckOf<T, std::void_t<decltype(T::check(std::string_view(), std::declval<Findings&>()))>> {
  static dtu_status function(dtu_str config, dtu_finding_fn out, void* ctx, dtu_error* err) noexcept {
    return guarded(err, [&] {
      Findings found(out, ctx);
      try {
        T::check(view(config), found);
      } catch (const Failure& failure) {
        found.error(failure.path(), failure.what());
      }
      return DTU_OK;
    });
  }
};

}  // namespace dtu
