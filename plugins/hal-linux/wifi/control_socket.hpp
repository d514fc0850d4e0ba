// The control socket of wpa_supplicant or hostapd: commands and their replies as datagrams, events in between. [lane]
//
// The own end has an abstract address, so that it is found also from another mount namespace (PrivateTmp). It is
// connected, so that nobody else can write to it. A command without a reply in time gets the socket closed: its late
// reply goes to an address that is gone, and is never taken for that of the next command.
#pragma once
#include <dtu/kit/port/descriptor.hpp>
#include <dtu/sdk/host.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hal_linux {

class ControlSocket {
 public:
  struct Handlers {
    std::function<void()> opened;                  // it is attached: events come from now on
    std::function<void(std::string_view)> event;   // without its priority: "CTRL-EVENT-CONNECTED ..."
    std::function<void(const std::string&)> lost;  // why; it is tried again every 5 s
  };
  // trouble "": there is a reply. From the loop.
  using Reply = std::function<void(const std::string& reply, const std::string& trouble)>;
  struct Step {
    std::string command;
    std::string what;       // for messages: the command may contain a password
    bool optional = false;  // a refusal does not matter
  };

  ControlSocket(dtu::Host host, std::string path, Handlers handlers);

  void start();
  void stop();  // who waits is told; lost() is not called
  [[nodiscard]] bool is_open() const { return attached_; }
  [[nodiscard]] const std::string& trouble() const { return trouble_; }  // while it is not open
  // Throws a retryable DTU_E_IO when it is not open.
  void expect_open() const;

  // In the order asked, one at a time. At most 64 wait; then, and while the socket is closed, it fails with a trouble.
  void request(std::string command, Reply reply);
  // All of them, each of which has to be answered "OK"; then done with "", or with why not: "psk was refused".
  void run(std::vector<Step> steps, std::function<void(const std::string& trouble)> done);

 private:
  struct Asked {
    std::string command;
    Reply reply;
  };
  void open();
  void send_next();
  void readable();
  void replied(const std::string& text);
  void close(const std::string& why);
  void run_from(size_t at, const std::shared_ptr<std::vector<Step>>& steps,
                const std::function<void(const std::string&)>& done);
  void timer_passed();

  dtu::Host host_;
  const std::string path_;
  const Handlers handlers_;
  dtu_port::Descriptor fd_;
  std::unique_ptr<dtu::FdWatch> watch_;  // after fd_: goes first
  std::unique_ptr<dtu::Timer> timer_;    // while started: a reply, the next attempt, the next sign of life
  std::deque<Asked> asked_;              // the first is under way
  bool attached_ = false;
  std::string trouble_;
  std::string send_trouble_;  // of the command under way
};

}  // namespace hal_linux
