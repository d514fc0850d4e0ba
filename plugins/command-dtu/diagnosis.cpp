#include "diagnosis.hpp"

#include <dtu/abi.h>

#include <algorithm>

#include "json_view.hpp"
#include "status_codes.hpp"
#include "text_codec.hpp"

namespace command_dtu {
namespace {

std::string entry_of(std::string_view func_code, int error_code, std::string_view where) {
  std::string entry = "{\"func_code\":";
  append_json_text(entry, func_code);
  entry.append(",\"error_code\":\"").append(std::to_string(error_code)).append("\"");
  if (!where.empty()) entry.append(",").append(where);
  return entry + "}";
}

}  // namespace

std::string of_channel(uint32_t channel) { return "\"channel\":" + std::to_string(channel); }

std::string of_port(std::string_view port) {
  std::string where = "\"port\":";
  append_json_text(where, port);
  return where;
}

void Diagnosis::command_failed(std::string_view code_text, int error_code) {
  const auto code = parse_json(code_text);
  std::string entry = entry_of(code ? plain_text(*code) : "", error_code, "");
  if (entries_.empty() || entries_.back() != entry) add(std::move(entry));
}

void Diagnosis::noise(int error_code, std::string_view where) {
  std::string entry = entry_of("", error_code, where);
  if (!entries_.empty() && entries_.back() == entry) return;
  entries_.erase(std::remove(entries_.begin(), entries_.end(), entry), entries_.end());
  add(std::move(entry));
}

void Diagnosis::channel_state(uint32_t channel, std::string_view type, int32_t state, uint32_t protocol_code) {
  const bool lost = state == DTU_STATE_DOWN || state == DTU_STATE_FAILED;
  const bool told = state == DTU_STATE_DEGRADED && protocol_code != 0;
  if (!lost && !told) {
    if (state == DTU_STATE_UP || state == DTU_STATE_DEGRADED) outages_.erase(channel);
    return;
  }
  const int error_code = connect_error_of(type, protocol_code);
  int& listed = outages_[channel];
  const bool says_more = listed == 0 || protocol_code != 0;  // than the entry that is there
  if (!says_more || listed == error_code) return;
  listed = error_code;
  add(entry_of("", error_code, of_channel(channel)));
}

void Diagnosis::add(std::string entry) {
  if (entries_.size() == kept) entries_.pop_front();
  entries_.push_back(std::move(entry));
}

std::string Diagnosis::json() const {
  std::string text = "[";
  for (const std::string& entry : entries_) {
    if (text.size() > 1) text += ',';
    text += entry;
  }
  return text + "]";
}

}  // namespace command_dtu
