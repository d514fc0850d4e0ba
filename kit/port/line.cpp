#include <dtu/kit/port/line.hpp>

#include <sys/ioctl.h>
#include <sys/uio.h>
#include <termios.h>

#include <linux/serial.h>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace dtu_port {
namespace {

constexpr uint32_t kBatch = 64;  // messages per writev; the host's batches are no longer

std::string error_text(int code) { return std::generic_category().message(code); }

}  // namespace

Line::Line(dtu::Host host, uint64_t key, Owner& owner)
    : host_(host), key_(key), owner_(owner), buffer_(std::make_unique<char[]>(kBuffer)) {}

void Line::use_direction(std::unique_ptr<Direction> direction) {
  direction_ = std::move(direction);
  direction_->serve([this] { return drained(); }, [this](const std::string& why) { lose_direction(why); });
}

bool Line::turn_to_send() {
  if (!direction_) return true;
  dtu_error e{};
  if (dtu::guarded(&e, [this] { return direction_->send(), DTU_OK; }) == DTU_OK) return true;
  lose_direction(e.message);
  return false;
}

void Line::lose_direction(const std::string& why) {
  close_descriptor();
  owner_.direction_failed(why);
}

void Line::attach(Descriptor fd) {
  watch_ = std::make_unique<dtu::FdWatch>(host_, fd.get(), held_ == 0 ? DTU_FD_READ : 0U,
                                          [this](uint32_t events) { ready(events); });
  fd_ = std::move(fd);
  if (std::exchange(owe_writable_, false)) host_.writable(key_);
}

void Line::detach() {
  counters_.rx_lost_bytes += std::exchange(held_, 0);
  if (!attached()) return;
  int unsent = 0;  // close() of a UART would wait up to 30 s for these; a pty has none
  if (ioctl(fd_.get(), TIOCOUTQ, &unsent) == 0 && unsent > 0 && tcflush(fd_.get(), TCOFLUSH) == 0)
    counters_.tx_lost_bytes += static_cast<uint64_t>(unsent);
  close_descriptor();
}

void Line::close_descriptor() {
  if (direction_ && direction_->sending())
    (void)dtu::guarded(nullptr, [this] { return direction_->receive(), DTU_OK; });
  if (pending_) counters_.tx_lost_bytes += pending_->rest.size();
  pending_.reset();
  watch_.reset();
  // Exclusive use belongs to the tty, not to the descriptor: it would outlive us while somebody else has it open.
  if (fd_) ioctl(fd_.get(), TIOCNXCL);
  fd_.reset();
}

void Line::lose(const std::string& why) {
  close_descriptor();
  owner_.line_lost(why);
}

void Line::ready(uint32_t events) {
  if ((events & DTU_FD_ERROR) != 0 && held_ != 0) {
    // The buffer is taken, so the hang-up cannot be read away; left alone it would wake the lane for ever.
    lose("hung up");
    return;
  }
  if ((events & (DTU_FD_READ | DTU_FD_ERROR)) != 0) read_once();
  if ((events & DTU_FD_WRITE) != 0 && attached()) send_pending();
}

void Line::read_once() {
  if (held_ != 0) return;
  const ssize_t n = ::read(fd_.get(), buffer_.get(), kBuffer);
  if (n > 0) {
    held_ = static_cast<size_t>(n);
    emit_held();
    owner_.line_read();
  } else if (n == 0) {
    lose("hung up");
  } else if (errno != EAGAIN && errno != EINTR) {
    lose(error_text(errno));
  }
}

void Line::emit_held() {
  dtu_msg m{};
  m.source = key_;
  m.payload = {buffer_.get(), held_};
  uint32_t taken = 0;
  const dtu_status status = host_.emit(&m, 1, &taken);
  if (status != DTU_AGAIN) {
    (status == DTU_OK ? counters_.rx_bytes : counters_.rx_lost_bytes) += held_;
    held_ = 0;
  }
  watch_what_matters();
}

void Line::resume() {
  if (held_ != 0) emit_held();
}

void Line::watch_what_matters() {
  if (!watch_) return;
  const uint32_t in = held_ == 0 ? DTU_FD_READ : 0U;
  const uint32_t out = pending_ || owe_writable_ ? DTU_FD_WRITE : 0U;
  watch_->want(in | out);
}

dtu_status Line::write(const dtu_msg* msgs, uint32_t n, uint32_t* taken) {
  *taken = 0;
  if (!attached()) throw dtu::Failure::retryable(DTU_E_IO, "the device is not there");
  Wrote wrote = pending_ || owe_writable_ ? Wrote::part : Wrote::all;
  if (wrote == Wrote::all && n != 0 && !turn_to_send())
    throw dtu::Failure::retryable(DTU_E_IO, "the direction pin cannot be switched");
  while (wrote == Wrote::all && *taken < n) {
    uint32_t more = 0;
    wrote = write_batch(msgs + *taken, std::min(n - *taken, kBatch), &more);
    *taken += more;
  }
  if (wrote == Wrote::failed) throw dtu::Failure::retryable(DTU_E_IO, "the device went away");
  if (*taken == n && !pending_) return DTU_OK;
  owe_writable_ = owe_writable_ || *taken < n;
  watch_what_matters();
  return *taken < n ? DTU_AGAIN : DTU_OK;
}

Line::Wrote Line::write_batch(const dtu_msg* msgs, uint32_t n, uint32_t* taken) {
  std::array<iovec, kBatch> parts;  // NOLINT(cppcoreguidelines-pro-type-member-init): only the first n are used
  size_t total = 0;
  for (uint32_t i = 0; i < n; ++i) {
    const std::string_view bytes = dtu::view(msgs[i].payload);
    parts[i] = {const_cast<char*>(bytes.data()), bytes.size()};  // NOLINT(cppcoreguidelines-pro-type-const-cast)
    total += bytes.size();
  }
  ssize_t out = 0;
  if (total != 0) {
    out =
        n == 1 ? ::write(fd_.get(), parts[0].iov_base, total) : ::writev(fd_.get(), parts.data(), static_cast<int>(n));
    if (out < 0 && errno != EAGAIN && errno != EINTR) {
      lose(error_text(errno));
      return Wrote::failed;
    }
  }
  size_t left = out < 0 ? 0 : static_cast<size_t>(out);
  counters_.tx_bytes += left;
  if (direction_) direction_->wrote(left);
  const bool all = left == total;
  while (*taken < n && parts[*taken].iov_len <= left) left -= parts[(*taken)++].iov_len;
  if (left != 0) {
    const dtu_msg& begun = msgs[(*taken)++];
    pending_ = Pending{host_.keep(begun.owner), dtu::view(begun.payload).substr(left)};
  }
  return all ? Wrote::all : Wrote::part;
}

void Line::send_pending() {
  if (pending_) {
    const ssize_t out = ::write(fd_.get(), pending_->rest.data(), pending_->rest.size());
    if (out < 0 && errno != EAGAIN && errno != EINTR) {
      lose(error_text(errno));
      return;
    }
    const size_t sent = out < 0 ? 0 : static_cast<size_t>(out);
    counters_.tx_bytes += sent;
    if (direction_) direction_->wrote(sent);
    pending_->rest.remove_prefix(sent);
    if (!pending_->rest.empty()) return;
    pending_.reset();
  }
  const bool owed = std::exchange(owe_writable_, false);
  watch_what_matters();
  if (owed) host_.writable(key_);
}

uint64_t Line::discard(uint32_t which) {
  uint64_t bytes = 0;
  if ((which & DTU_DISCARD_TO_PORT) != 0) {
    const uint64_t begun = pending_ ? pending_->rest.size() : 0;
    pending_.reset();
    int unsent = 0;
    if (attached() && ioctl(fd_.get(), TIOCOUTQ, &unsent) == 0 && unsent > 0 && tcflush(fd_.get(), TCOFLUSH) == 0)
      counters_.tx_lost_bytes += static_cast<uint64_t>(unsent);
    counters_.tx_lost_bytes += begun;
    bytes += begun;
  }
  if ((which & DTU_DISCARD_FROM_PORT) != 0) {
    if (attached()) tcflush(fd_.get(), TCIFLUSH);
    counters_.rx_lost_bytes += held_;
    bytes += std::exchange(held_, 0);
  }
  watch_what_matters();  // whoever waits for room is told when the driver has some
  return bytes;
}

bool Line::drained() const {
  if (pending_) return false;
  if (!attached()) return true;
  int unsent = 0;
  if (ioctl(fd_.get(), TIOCOUTQ, &unsent) == 0 && unsent > 0) return false;
  unsigned shifter = TIOCSER_TEMT;  // the UART's own FIFO and shift register, where the driver can tell
  return ioctl(fd_.get(), TIOCSERGETLSR, &shifter) != 0 || (shifter & TIOCSER_TEMT) != 0;
}

}  // namespace dtu_port
