// The command modem.at: steps of an exchange that run without another caller in between. [lane]
#pragma once
#include <dtu/sdk/component.hpp>

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "modem.hpp"

namespace hal_ec600 {

// A line as JSON: {"line": "+CSQ: 20,99"}, or {"hex": "ff00"} when it is no UTF-8.
std::string line_as_json(std::string_view line);

class AtCommands {
 public:
  static constexpr const char* kArgs = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "type": "object", "additionalProperties": false, "required": ["steps"],
  "properties": {"steps": {"title": "Steps", "description": "Sent one behind the other; the first that fails is the last.",
    "type": "array", "minItems": 1, "maxItems": 16, "items": {
      "type": "object", "additionalProperties": false, "required": ["send"],
      "properties": {
        "send": {"title": "Command", "description": "Without a line end.", "type": "string", "pattern": "^[ -~]{1,1024}$"},
        "expect": {"title": "Expected", "description": "A line has to begin so. \"\": OK is enough.", "type": "string",
                   "pattern": "^[ -~]{0,64}$", "default": ""},
        "data": {"title": "Data", "description": "Sent with Ctrl-Z behind it when the modem asks with >.", "type": "string",
                 "maxLength": 4096},
        "timeout_ms": {"title": "Time-out", "description": "0: the vendor's for this command.", "type": "integer",
                       "minimum": 0, "maximum": 180000, "default": 0}}}}}})";

  AtCommands(dtu::Host host, Modem& modem) : host_(host), modem_(modem) {}
  // Answers {"ok": true, "steps": [{"lines": [...], "final": "OK"}]}; a step that failed has "error". A line that is
  // busy is said at once, with the command that holds it: another modem.at, or one that may take longer than 10 s.
  void run(uint64_t call, std::string_view args);
  void cancel(uint64_t call);

 private:
  struct Step;
  struct Transaction;
  void next(const std::shared_ptr<Transaction>& t);
  void took(const std::shared_ptr<Transaction>& t, const AtResult& result);

  dtu::Host host_;
  Modem& modem_;
  std::shared_ptr<Transaction> running_;
};

}  // namespace hal_ec600
