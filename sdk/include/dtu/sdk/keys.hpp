// Top-level keys of the device document that a component owns, in C++.
//
//   class Cloud : public dtu::Component {
//    public:
//     static constexpr dtu_key_info keys[] = {dtu::key("cloud", "Cloud account", R"({"type": "object", ...})")};
//     Cloud(dtu::Host host, std::string_view config) : Component(host) {
//       const dtu::Json json(config);
//       const dtu::Json account = json["document"]["cloud"];  // no such member: the document has no "cloud"
//     }
//     static void check(std::string_view config, dtu::Findings& found);  // the same; paths: "/document/cloud/user"
//   };
//   DTU_COMPONENT(cloud, Cloud, DTU_KIND_COMMAND, "cloud", "Cloud", "{}", 0, dtu::keys_iface<Cloud>);
//   DTU_PLUGIN("org.example.cloud", "1.0.0", "Example Ltd", "Apache-2.0", "command:cloud key:cloud", &cloud);
#pragma once
#include <dtu/keys.h>

#include <cstddef>
#include <iterator>
#include <utility>

namespace dtu {

// An entry of the list. cuts: a change of it may cut the device off; then its trial lasts all of confirm_s.
constexpr dtu_key_info key(const char* name, const char* title, const char* schema, bool cuts = false) noexcept {
  return {sizeof(dtu_key_info), cuts ? DTU_KEY_CUTS : 0, name, title, schema};
}
constexpr dtu_key_info cutting_key(const char* name, const char* title, const char* schema) noexcept {
  return key(name, title, schema, true);
}

// The list T::keys as an interface of T.
template <typename T>
struct KeyList {
  static constexpr size_t count = std::size(T::keys);
  struct Pointers {
    const dtu_key_info* at[count];
  };
  template <size_t... I>
  static constexpr Pointers pointers(std::index_sequence<I...>) noexcept {
    return {{&T::keys[I]...}};
  }
  static constexpr Pointers list = pointers(std::make_index_sequence<count>());
  static constexpr dtu_keys table{sizeof(dtu_keys), static_cast<uint32_t>(count), list.at};
};
template <typename T>
inline constexpr dtu_iface keys_iface{DTU_KEYS_IFACE, &KeyList<T>::table};

}  // namespace dtu
