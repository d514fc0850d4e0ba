// What a session must know of its link, read once from the documents the host hands over.
#pragma once
#include <dtu/dialect.h>

#include <string>
#include <vector>

#include "answer.hpp"
#include "frame_parser.hpp"

namespace command_dtu {

struct LinkChannel {
  uint32_t id = 0;
  std::string type;
  std::string source;  // "channel 3": as the host names who ordered an upgrade
  bool topics = false;
  bool stream = false;     // delivers its bytes in pieces of any length
  bool raw = false;        // "uplink": "raw"
  std::string first_down;  // topic id of a message without one
};

struct LinkSettings {
  uint64_t link = 0;
  bool through = false;
  std::string port;    // "" = none
  std::string source;  // "port 1": as above
  CrcKind crc = CrcKind::zlib;
  bool convert = false;
  AnswerStyle style;
  uint32_t idle_ms = 20;
  int64_t max_age_ns = 0;             // of a downlink message that waits for the port; 0: any
  std::vector<std::string> events;    // names of events that go to the channels
  std::vector<LinkChannel> channels;  // through mode: only the first is served (D16)
  FrameRules rules;
};

[[nodiscard]] LinkSettings read_link(const dtu_link_info& link);

}  // namespace command_dtu
