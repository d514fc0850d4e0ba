// The DTU protocol's frames on the serial line, made and read apart from the code under test.
#pragma once
#include <string>

#include "json.hpp"
#include "line.hpp"

namespace e2e {

std::string crc32(const std::string& bytes);    // zlib's, in decimal
std::string frame(const std::string& payload);  // "len,crc,payload"
std::string command(const std::string& json);   // "99,len,crc,json"
std::string read_frame(Line& line);             // the payload of a "len,crc,payload"; "" when it is none
Json ask(Line& line, const std::string& json);  // sends a local command, reads its answer

}  // namespace e2e
