// The smallest MQTT 3.1.1 subscriber that will do (QoS 0): its own cost stays out of the figures.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

class Subscriber {
 public:
  // Connects to 127.0.0.1:port and subscribes; throws when the broker refuses.
  Subscriber(uint16_t port, const std::string& topic);
  ~Subscriber();
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  // Reads once what is there (without waiting) and hands out every whole message. Throws when the broker closed.
  void read(const std::function<void(std::string_view payload)>& on_message);

 private:
  // The packet at `at`: true when it is whole. `body` is what follows the fixed header.
  bool packet(size_t at, uint8_t& header, std::string_view& body, size_t& end) const;
  void wait_for(uint8_t type);
  bool fill(int flags);

  int fd_ = -1;
  std::vector<char> buffer_;
  size_t used_ = 0;
};

}  // namespace bench
