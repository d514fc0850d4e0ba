// The connection of one client: requests come off it, answers and streams go onto it. It never waits for the client.
// On the lane.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "control/request.hpp"
#include "control/routes.hpp"
#include "lanes/descriptor.hpp"

namespace dtud::control {

class Connection {
 public:
  Connection(Descriptor socket, RequestReader::Limits limits) : socket_(std::move(socket)), reader_(limits) {}

  [[nodiscard]] int fd() const { return socket_.get(); }

  enum class Came { nothing, request, refused, end };
  // Takes what has arrived: at most 64 KiB, so that a client that sends much does not hold up the lane.
  [[nodiscard]] Came receive();
  [[nodiscard]] Came again();  // of what arrived behind the last request
  [[nodiscard]] const RequestReader& reader() const { return reader_; }
  [[nodiscard]] Request request() { return reader_.request(); }

  // Queue; send() sends.
  void answer(const Reply& reply, bool keep_alive);
  void begin_stream(bool chunks);
  void stream(std::string_view lines);
  void end_stream();
  [[nodiscard]] size_t pending() const { return out_.size() - sent_; }
  [[nodiscard]] bool send();  // false: the client is gone
  [[nodiscard]] size_t held() const { return reader_.held() + out_.capacity(); }

 private:
  [[nodiscard]] Came came(RequestReader::State state);

  Descriptor socket_;
  RequestReader reader_;
  std::string out_;
  size_t sent_ = 0;
  bool chunks_ = false;
};

}  // namespace dtud::control
