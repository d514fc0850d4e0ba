// The data path of one byte line: a non-blocking tty descriptor on one side, the host's port key on the other.
//
// In: one read() per wake-up, emitted from the same buffer. When the host has no room the bytes stay in the buffer and
// nothing more is read until resume(). Out: one write() per batch; the rest of a message begun is kept and goes out
// before anything else is taken. [lane]
#pragma once
#include <dtu/kit/port/descriptor.hpp>
#include <dtu/kit/port/direction.hpp>
#include <dtu/sdk/host.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace dtu_port {

struct LineCounters {
  uint64_t rx_bytes = 0;       // handed to the host
  uint64_t rx_lost_bytes = 0;  // read, but refused by the host for good, until the port was closed, or discarded
  uint64_t tx_bytes = 0;       // taken by the driver
  uint64_t tx_lost_bytes = 0;  // taken from the host, never sent: the device went away, or it was closed or discarded
};

class Line {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    // The device hung up or failed; the descriptor is closed already.
    virtual void line_lost(const std::string& why) = 0;
    virtual void line_read() {}  // bytes came in
    // Its direction pin cannot be switched: the descriptor is closed already.
    virtual void direction_failed(const std::string& why) { line_lost(why); }
  };

  Line(dtu::Host host, uint64_t key, Owner& owner);

  // Half-duplex by a pin from now on. Before attach().
  void use_direction(std::unique_ptr<Direction> direction);
  [[nodiscard]] uint64_t turns() const noexcept { return direction_ ? direction_->turns() : 0; }

  // Takes over a non-blocking descriptor and starts to read.
  void attach(Descriptor fd);
  // Stops and closes. What is not on the wire yet is thrown away and counted: ask drained() first.
  void detach();
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] bool attached() const noexcept { return static_cast<bool>(fd_); }

  // dtu_ports.write: throws DTU_E_IO while no descriptor is attached.
  dtu_status write(const dtu_msg* msgs, uint32_t n, uint32_t* taken);
  // dtu_ops.writable: the host has room for what was read.
  void resume();
  [[nodiscard]] bool drained() const;
  // dtu_ports.discard.
  uint64_t discard(uint32_t which);
  [[nodiscard]] const LineCounters& counters() const noexcept { return counters_; }

 private:
  struct Pending {  // the rest of a message begun
    dtu::Buffer owner;
    std::string_view rest;
  };
  enum class Wrote { all, part, failed };

  void ready(uint32_t events);
  void read_once();
  void emit_held();
  void send_pending();
  [[nodiscard]] bool turn_to_send();
  void lose_direction(const std::string& why);
  Wrote write_batch(const dtu_msg* msgs, uint32_t n, uint32_t* taken);
  void watch_what_matters();
  void lose(const std::string& why);
  void close_descriptor();

  static constexpr size_t kBuffer = 64 * 1024;
  dtu::Host host_;
  uint64_t key_;
  Owner& owner_;
  Descriptor fd_;
  std::unique_ptr<dtu::FdWatch> watch_;  // after fd_: goes first
  std::unique_ptr<char[]> buffer_;
  size_t held_ = 0;  // bytes in buffer_ the host had no room for
  std::optional<Pending> pending_;
  std::unique_ptr<Direction> direction_;  // null: full duplex, or somebody else switches it
  bool owe_writable_ = false;             // write() answered DTU_AGAIN
  LineCounters counters_;
};

}  // namespace dtu_port
