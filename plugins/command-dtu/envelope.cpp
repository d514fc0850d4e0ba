#include "envelope.hpp"

#include "json_view.hpp"
#include "text_codec.hpp"

namespace command_dtu {

void append_envelope(std::string& out, uint64_t msg_id, std::string_view payload, bool convert) {
  out.append("{\"msg_id\":").append(std::to_string(msg_id)).append(",\"data\":");
  if (convert) {
    out += '"';
    append_hex(out, payload);
    out += '"';
  } else if (!append_json_string(out, payload)) {
    out += "null,\"data_b64\":\"";
    append_base64(out, payload);
    out += '"';
  }
  out += '}';
}

std::string_view downlink_payload(std::string_view message, std::string_view object, bool convert,
                                  std::string& scratch) {
  std::string_view bytes = message;
  if (!object.empty()) {
    const auto data = member(object, "data");
    const auto base64 = member(object, "data_b64");
    if (base64 && base64->type == JsonType::string && (!data || data->type == JsonType::null)) {
      auto decoded = from_base64(unquote(base64->text));
      if (!decoded) return message;
      scratch = std::move(*decoded);
      return scratch;
    }
    if (data && data->type == JsonType::string) {
      scratch = unquote(data->text);
      bytes = scratch;
    } else if (data) {
      bytes = data->type == JsonType::null ? std::string_view() : data->text;
    }
  }
  if (convert)
    if (auto decoded = from_hex(bytes)) {
      scratch = std::move(*decoded);
      return scratch;
    }
  return bytes;
}

}  // namespace command_dtu
