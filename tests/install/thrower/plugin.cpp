// Commands that throw, behind the SDK's net ("thrower.failure", "thrower.standard", "thrower.number") and without it
// ("bare.standard", "bare.number"): none of it may end the host, whatever C++ library each side uses.
#include <dtu/sdk.hpp>

#include <array>
#include <stdexcept>

namespace {

[[noreturn]] void throw_as(std::string_view name) {
  const std::string text = "thrown on purpose, with a text too long to be kept inside of the string itself";
  if (name == "thrower.failure") throw dtu::Failure(DTU_E_INVALID, text);
  if (name == "thrower.number" || name == "bare.number") throw 42;
  throw std::runtime_error(text);
}

template <size_t N>
void list(const std::array<const char*, N>& names, const dtu::CommandsIface::Each& each) {
  for (const char* name : names) {
    dtu_command_info info{};
    info.struct_size = sizeof info;
    info.name = dtu::str(name);
    info.title = dtu::str("Throws");
    each(info);
  }
}

class Thrower : public dtu::Component, public dtu::CommandsIface {
 public:
  Thrower(dtu::Host host, std::string_view /*config*/) : Component(host) {}
  void list_commands(const Each& each) override {
    list(std::array{"thrower.failure", "thrower.standard", "thrower.number"}, each);
  }
  dtu_status invoke(uint64_t, std::string_view name, std::string_view, const dtu_caller&) override { throw_as(name); }
};

class Bare : public dtu::Component, public dtu::CommandsIface {
 public:
  Bare(dtu::Host host, std::string_view /*config*/) : Component(host) {}
  void list_commands(const Each& each) override { list(std::array{"bare.standard", "bare.number"}, each); }
  dtu_status invoke(uint64_t, std::string_view, std::string_view, const dtu_caller&) override { return DTU_E_INTERNAL; }
};

dtu_status bare_invoke(void*, const dtu_invocation* asked, dtu_error*) { throw_as(dtu::view(asked->name)); }
constexpr dtu_commands bare_table{sizeof(dtu_commands), 0, dtu::Glue<Bare>::commands().list, bare_invoke, nullptr};
constexpr dtu_iface bare_iface{DTU_COMMANDS_IFACE, &bare_table};

DTU_COMPONENT(thrower, Thrower, DTU_KIND_COMMAND, "thrower", "Throws", R"({"type": "object"})", 0,
              dtu::commands_iface<Thrower>);
DTU_COMPONENT(bare, Bare, DTU_KIND_COMMAND, "bare", "Throws", R"({"type": "object"})", 0, bare_iface);

}  // namespace

DTU_PLUGIN("org.dtukit.test.thrower", "1.0.0", "dtukit", "Apache-2.0", "command:thrower command:bare", &thrower, &bare);
