#include <dtu/kit/http/client.hpp>

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include "http/exchange.hpp"
#include "http/redirect.hpp"

namespace http {

struct TlsContext {
  SslContext context;
};

namespace {

constexpr std::chrono::seconds kKeepIdle{30};  // servers close sooner or not much later

bool twice_is_once(const std::string& method) { return method != "POST"; }

// The request that goes to where `answer` leads.
void redirect(Request& request, const Exchanged& answer, bool& with_headers) {
  const Url from = request.url;
  request.url = redirected(from, answer.location);
  with_headers = with_headers && request.url.same_server(from);
}

}  // namespace

Event::Event() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0)
    throw dtu::Failure::retryable(DTU_E_IO, "cannot create an eventfd: " + std::system_category().message(errno));
}

Event::~Event() { ::close(fd_); }

void Event::set() const noexcept { static_cast<void>(::eventfd_write(fd_, 1)); }

void Event::clear() const noexcept {
  eventfd_t count = 0;
  static_cast<void>(::eventfd_read(fd_, &count));
}

// The lane watches news_ instead of getting posts: those cannot be taken back, and a client may go before its instance.
Client::Client(dtu::Host host, Tls tls, Lookup lookup)
    : tls_(std::move(tls)),
      lookup_(std::move(lookup)),
      watch_(host, news_.fd(), DTU_FD_READ, [this](uint32_t) { told(); }) {}

Client::~Client() {
  tell_to_stop();
  if (thread_.joinable()) thread_.join();
}

void Client::tell_to_stop() noexcept {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  waiting_.clear();
  stop_.set();
  changed_.notify_one();
}

bool Client::ask(Request request, Done done) {
  const std::lock_guard lock(mutex_);
  if (stopping_ || waiting_.size() >= kMostWaiting) return false;
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  waiting_.push_back({std::move(request), std::move(done), {}});
  changed_.notify_one();
  return true;
}

bool Client::stop(std::function<void()> stopped) {
  stopped_ = std::move(stopped);
  tell_to_stop();
  return !thread_.joinable();
}

void Client::work() noexcept {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are the program's; SIGPIPE becomes an error of write()
  while (auto job = next()) {
    const dtu_status status = dtu::guarded(nullptr, [&] {
      job->answer = carry_out(std::move(job->request));
      return DTU_OK;
    });
    if (status != DTU_OK) {  // out of memory, most likely
      connection_.reset();
      job->answer.trouble = Trouble::failed;
    }
    {
      const std::lock_guard lock(mutex_);
      done_.push_back(std::move(*job));
    }
    news_.set();
  }
  connection_.reset();
  const std::lock_guard lock(mutex_);
  ended_ = true;
  news_.set();
}

std::optional<Client::Job> Client::next() {
  std::unique_lock lock(mutex_);
  const auto something = [this] { return stopping_ || !waiting_.empty(); };
  if (connection_ && !changed_.wait_for(lock, kKeepIdle, something)) connection_.reset();
  changed_.wait(lock, something);
  if (stopping_) return std::nullopt;
  Job job = std::move(waiting_.front());
  waiting_.pop_front();
  return job;
}

void Client::told() {
  news_.clear();
  for (;;) {
    Job job;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_ || done_.empty()) break;
      job = std::move(done_.front());
      done_.pop_front();
    }
    job.done(job.answer);
  }
  bool ended = false;
  {
    const std::lock_guard lock(mutex_);
    ended = std::exchange(ended_, false);
  }
  if (!ended) return;
  thread_.join();  // its last act was to say so
  if (stopped_) std::exchange(stopped_, nullptr)();
}

Answer Client::carry_out(Request request) {
  const std::chrono::milliseconds most(uint64_t{request.timeout_ms} + request.settle_ms);
  const Patience patience(stop_.fd(), Patience::Clock::now() + most);
  Answer out;
  bool with_headers = true;
  try {
    for (;;) {
      Exchanged got = try_one(request, with_headers, patience, out);
      std::swap(got.answer.connections, out.connections);
      std::swap(got.answer.redirects, out.redirects);
      out = got.answer;
      // Only a GET may go elsewhere: a message counts as delivered only where it was sent to (D18).
      if (!redirects(out.status) || got.location.empty() || request.method != "GET") return out;
      if (out.redirects == kMostRedirects)
        throw Broken(Trouble::redirect, request.url.shown() + " is the sixth redirect in a row: not followed");
      ++out.redirects;
      redirect(request, got, with_headers);
    }
  } catch (const Broken& e) {
    connection_.reset();
    out.body.clear();
    if (e.trouble() != Trouble::redirect) out.status = 0;
    out.trouble = e.trouble();
    out.text = e.what();
    return out;
  }
}

Exchanged Client::try_one(const Request& request, bool with_headers, const Patience& patience, Answer& counts) {
  for (;;) {
    if (connection_ && !(connection_->url().same_server(request.url) && connection_->fresh())) connection_.reset();
    const bool reused = connection_ != nullptr;
    if (!reused) {
      connect(request.url, patience);
      ++counts.connections;
      if (request.settle_ms != 0) settle(request, patience);
    }
    try {
      Exchanged got = exchange(*connection_, request, with_headers, patience);
      if (!got.keep) connection_.reset();
      return got;
    } catch (const Broken& e) {
      connection_.reset();
      if (e.trouble() != Trouble::closed || !reused || !twice_is_once(request.method)) throw;
    }
  }
}

// Whoever closes the connection now, closes it whatever is sent.
void Client::settle(const Request& request, const Patience& patience) {
  if (connection_->closes_within(std::chrono::milliseconds(request.settle_ms), patience))
    throw Broken(Trouble::failed, request.url.authority() + " closed the connection before anything was sent over it");
}

void Client::connect(const Url& url, const Patience& patience) {
  if (url.tls && !context_) context_ = std::make_unique<TlsContext>(TlsContext{make_context(tls_)});
  const std::vector<Address> addresses = lookup_(url.host, url.port);
  patience.check("looking up the name " + url.host);
  try {
    connection_ = std::make_unique<Connection>(url, addresses, url.tls ? context_->context.get() : nullptr, tls_.verify,
                                               patience);
  } catch (const Broken& e) {
    if (e.trouble() != Trouble::closed) throw;
    throw Broken(Trouble::failed, e.what());  // nothing was sent yet
  }
}

}  // namespace http
