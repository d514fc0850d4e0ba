// A wpa_supplicant or hostapd of the test: a control socket that answers as it is told.
#pragma once
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <dtu/kit/port/descriptor.hpp>

#include <array>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace hal_linux::test {

class FakeWpa {
 public:
  explicit FakeWpa(const std::string& path)
      : path_(path), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    path_.copy(at.sun_path, sizeof at.sun_path - 1);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0) << path_;
  }
  ~FakeWpa() { ::unlink(path_.c_str()); }
  FakeWpa(const FakeWpa&) = delete;
  FakeWpa& operator=(const FakeWpa&) = delete;

  // By command, or by its first word; others are answered OK. "-" is no answer.
  std::map<std::string, std::string> answers{
      {"PING", "PONG\n"}, {"ADD_NETWORK", "7\n"}, {"STATUS", "wpa_state=INACTIVE\n"}};
  std::vector<std::string> asked;                                             // but for ATTACH and STATUS
  int looks = 0;                                                              // at STATUS
  std::function<void(const std::string&)> after = [](const std::string&) {};  // what happens once it has answered

  void serve() {
    std::array<char, 4096> bytes{};
    sockaddr_un from{};
    socklen_t size = sizeof from;
    ssize_t n = 0;
    while ((n = ::recvfrom(socket_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&from), &size)) >=
           0) {
      const std::string command(bytes.data(), static_cast<size_t>(n));
      const std::string word = command.substr(0, command.find(' '));
      if (word == "ATTACH") peer_ = from, peer_size_ = size;
      if (word == "STATUS") ++looks;
      if (word != "ATTACH" && word != "STATUS") asked.push_back(command);
      std::string answer = "OK\n";
      for (const std::string& key : {word, command})
        if (const auto at = answers.find(key); at != answers.end()) answer = at->second;
      if (answer != "-") send(answer, from, size);
      after(command);
      size = sizeof from;
    }
  }
  void tell(const std::string& event) { send("<3>" + event, peer_, peer_size_); }
  [[nodiscard]] bool is_attached() const { return peer_size_ != 0; }

 private:
  void send(const std::string& text, const sockaddr_un& to, socklen_t size) const {
    ::sendto(socket_.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&to), size);
  }
  const std::string path_;
  dtu_port::Descriptor socket_;
  sockaddr_un peer_{};
  socklen_t peer_size_ = 0;
};

}  // namespace hal_linux::test
