// A server that does what a test says, byte by byte: each connection is a call of the script on a thread of its own.
#pragma once
#include <openssl/ssl.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace http_test {

struct Asked {
  std::string method, target, body;
  std::map<std::string, std::string> headers;  // names in small letters
};

// An answer with its length: "HTTP/1.1 200 OK", the headers, the body.
std::string answer(int status, const std::string& body = "", const std::string& headers = "");

// The server's end of a connection. Everything gives up when the server is destroyed, or after 30 s.
class Peer {
 public:
  Peer(int fd, int stop, SSL* ssl) : fd_(fd), stop_(stop), ssl_(ssl) {}
  std::optional<Asked> read();        // a whole request; nothing when the client closes first
  bool write(std::string_view text);  // false: the client is gone
  void wait_closed();                 // until the client closes
  bool pause_ms(int ms);              // false: the client has closed, or the test is over
  void reset();                       // ends the connection with RST, when the script returns

 private:
  bool more();
  bool ready(short events, int ms);
  int fd_, stop_;
  SSL* ssl_;
  std::string received_;
};

class Server {
 public:
  // `connection` counts from 1.
  using Script = std::function<void(Peer& peer, int connection)>;
  explicit Server(Script script, const std::string& certificate = "", const std::string& key = "");
  // Answers every request on every connection with what `reply` makes of it.
  using Reply = std::function<std::string(const Asked&)>;
  static Script replies(Reply reply);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] std::string url(const std::string& target = "/") const;
  [[nodiscard]] int connections() const { return connections_; }

 private:
  void serve();
  void talk(int fd, int connection);

  Script script_;
  SSL_CTX* context_ = nullptr;
  int listener_ = -1, stop_ = -1;
  uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::vector<std::thread> talks_;  // the serving thread's, until it is joined
  std::thread thread_;
};

}  // namespace http_test
