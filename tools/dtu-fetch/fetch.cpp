#include "fetch.hpp"

#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <dtu/kit/http/download.hpp>
#include <dtu/sdk/text.hpp>

#include "image_file.hpp"

namespace dtu_fetch {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint64_t kSyncEvery = 4U << 20U;  // bytes a power cut may cost
constexpr std::chrono::milliseconds kTellEvery{250};
constexpr int kPause_ms = 50;            // before a lost connection is made anew
constexpr uint32_t kMostStartsAnew = 3;  // in one run

struct BudgetSpent {};

// Where the pieces go: into the file, as far as the budget goes, with a word to dtud now and then.
class Progress : public http::Sink {
 public:
  Progress(const Object& job, ImageFile& file)
      : file_(file),
        validator_(job.optValue<std::string>("validator", "")),
        size_(job.optValue<uint64_t>("size", 0)),
        budget_(job.optValue<uint64_t>("budget", 0)) {}

  void begin(const http::Begun& begun) override {
    if (size_ != 0 && begun.total && *begun.total != size_)
      throw Failed{
          "the server says the file has " + std::to_string(*begun.total) + " bytes, the order " + std::to_string(size_),
          true};
    if (begun.from == 0 && file_.size() != 0) file_.empty();
    validator_ = begun.validator;
    total_ = begun.total.value_or(size_);
    Object::Ptr o = line("begin");
    o->set("from", begun.from);
    o->set("total", total_);
    o->set("validator", validator_);
    tell(o);
  }
  void take(std::string_view piece) override {
    const bool last = budget_ != 0 && came_ + piece.size() >= budget_;
    if (last) piece = piece.substr(0, budget_ - came_);
    if (size_ != 0 && file_.size() + piece.size() > size_)
      throw Failed{"the server sends more bytes than the order allows: " + std::to_string(size_), true, true};
    file_.append(piece);
    came_ += piece.size();
    untold_ = true;
    if (file_.size() - file_.synced() >= kSyncEvery) file_.sync();
    if (Clock::now() - told_ >= kTellEvery) say();
    if (last) throw BudgetSpent{};
  }
  // Nothing comes at the moment: dtud knows of what came until now.
  void beat() {
    if (untold_) say();
  }
  void say() {
    told_ = Clock::now();
    untold_ = false;
    Object::Ptr o = line("bytes");
    o->set("have", file_.size());
    o->set("synced", file_.synced());
    o->set("came", came_);
    tell(o);
  }
  void forget() {
    file_.empty();
    validator_.clear();
  }
  [[nodiscard]] const std::string& validator() const { return validator_; }
  [[nodiscard]] uint64_t came() const { return came_; }
  // All of it, as far as anybody said how much that is.
  [[nodiscard]] bool complete() const {
    const uint64_t whole = size_ != 0 ? size_ : total_;
    return whole == 0 || file_.size() == whole;
  }

 private:
  ImageFile& file_;
  std::string validator_;
  uint64_t total_ = 0;  // 0: not known
  const uint64_t size_, budget_;
  uint64_t came_ = 0;
  Clock::time_point told_{};
  bool untold_ = false;
};

http::Tls tls_of(const Object& job) {
  http::Tls tls;
  const Object::Ptr o = job.getObject("tls");
  if (!o) return tls;
  tls.ca = o->optValue<std::string>("ca", "");
  tls.cert = o->optValue<std::string>("cert", "");
  tls.key = o->optValue<std::string>("key", "");
  return tls;
}

void pause() {
  pollfd fd{STDIN_FILENO, POLLIN, 0};
  if (::poll(&fd, 1, kPause_ms) > 0) throw http::Broken(http::Trouble::stopped, "stopped");
}

void finish(const char* say, ImageFile& file, Progress& progress) {
  file.sync();
  progress.say();
  tell(line(say));
}

void fetch_into(const Object& job, ImageFile& file, Progress& progress) {
  http::Wanted wanted;
  wanted.url = http::parse_url(job.getValue<std::string>("url"));
  wanted.most = job.getValue<uint64_t>("most");
  const auto size = job.optValue<uint64_t>("size", 0);
  if (size != 0 && file.size() > size) progress.forget();
  if (size != 0 && file.size() == size) return finish("done", file, progress);
  const http::SslContext context = wanted.url.tls ? http::make_context(tls_of(job)) : nullptr;
  const std::chrono::seconds stall(job.optValue<int64_t>("stall_s", 60));
  const http::Patience patience(STDIN_FILENO, http::Patience::Clock::time_point::max(), stall,
                                [&progress] { progress.beat(); });
  uint32_t starts_anew = 0;
  for (;;) {
    wanted.from = file.size();
    wanted.validator = progress.validator();
    const uint64_t before = progress.came();
    http::Downloaded got = http::download(wanted, context.get(), http::system_lookup, patience, progress);
    if (got.outcome == http::Outcome::complete) {
      if (progress.complete()) return finish("done", file, progress);
      got = {http::Outcome::again, "the server closed the connection in the middle of the file", 0};
    }
    const bool moved = progress.came() != before;
    if (got.outcome == http::Outcome::from_start && ++starts_anew <= kMostStartsAnew) {
      progress.forget();
    } else if (got.outcome != http::Outcome::again || !moved || got.retry_after_s != 0) {
      file.sync();
      progress.say();
      return tell(Failed{got.text, got.outcome != http::Outcome::refused, got.outcome == http::Outcome::from_start,
                         got.retry_after_s});
    }
    pause();
  }
}

}  // namespace

void fetch(const Object& job) {
  try {
    ImageFile file(job.getValue<std::string>("file"), job.getValue<uint64_t>("trusted"));
    Progress progress(job, file);
    try {
      fetch_into(job, file, progress);
    } catch (const BudgetSpent&) {
      finish("stopped", file, progress);
    } catch (const http::Broken& e) {
      if (e.trouble() != http::Trouble::stopped) throw;
      finish("stopped", file, progress);
    }
  } catch (const Failed& f) {
    tell(f);
  } catch (const FileBusy& e) {
    tell(Failed{e.what(), true});
  } catch (const FileTrouble& e) {
    tell(Failed{e.what()});
  } catch (const http::Broken& e) {  // a certificate file that cannot be used
    tell(Failed{e.what()});
  } catch (const dtu::Failure& e) {  // an address that is none
    tell(Failed{e.what()});
  }
}

}  // namespace dtu_fetch
