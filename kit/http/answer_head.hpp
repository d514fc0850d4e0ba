// The head of an answer: its status and its fields.
#pragma once
#include <Poco/Net/MessageHeader.h>

#include <cstdint>
#include <optional>

#include <dtu/kit/http/message.hpp>
#include "http/answer_reader.hpp"

namespace http {

struct Head {
  int status = 0;
  bool keep = false;  // the server will take another request
  Poco::Net::MessageHeader fields;
};

// The final one: interim answers are passed over. Throws Broken.
[[nodiscard]] Head read_head(AnswerReader& reader, const Url& from);
// Content-Length; nothing when there is none. Throws Broken when it is no length, or there are two.
[[nodiscard]] std::optional<uint64_t> length_of(const Poco::Net::MessageHeader& fields);

}  // namespace http
