#include "installers.hpp"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

namespace hal_linux {
namespace {

using Object = Poco::JSON::Object;

constexpr uint32_t kFacts_s = 20, kMark_s = 50;
constexpr uint64_t kLookAgain_ms = 500;
constexpr int64_t kSecond = 1'000'000'000;
constexpr size_t kLongestVersion = 64, kHashedAtOnce = size_t{256} << 10U;

std::string to_text(const Object& object) {
  std::ostringstream text;
  object.stringify(text);
  return text.str();
}

std::string first_line(const std::string& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line.substr(0, kLongestVersion);
}

std::string filled_in(std::string word, const std::string& what, std::string_view by) {
  for (size_t at = 0; (at = word.find(what, at)) != std::string::npos; at += by.size())
    word.replace(at, what.size(), by);
  return word;
}

}  // namespace

int32_t percent_in(std::string_view line) {
  const size_t sign = line.find('%');
  if (sign == std::string_view::npos) return -1;
  size_t begin = sign;
  while (begin > 0 && line[begin - 1] >= '0' && line[begin - 1] <= '9') --begin;
  if (begin == sign || sign - begin > 3) return -1;
  int32_t percent = 0;
  for (; begin < sign; ++begin) percent = percent * 10 + (line[begin] - '0');
  return std::min(percent, 100);
}

const InstallerConfig& Installers::find(std::string_view kind) const {
  for (const InstallerConfig& c : config_)
    if (c.kind == kind) return c;
  throw dtu::Failure(DTU_E_UNSUPPORTED, "board.json names no installer for " + std::string(kind));
}

void Installers::stop() {
  for (const uint64_t call : std::exchange(asking_, {})) host_.reply_error(call, DTU_E_CLOSED, "the board was stopped");
  tellers_.clear();
  if (installation_) host_.reply_error(installation_->call, DTU_E_CLOSED, "the board was stopped");
  installation_.reset();
  if (mark_) host_.reply_error(mark_->call, DTU_E_CLOSED, "the board was stopped");
  mark_.reset();
}

// --- facts -----------------------------------------------------------------------------------------------------------

void Installers::facts(uint64_t call) {
  asking_.push_back(call);
  if (asking_.size() > 1) return;  // the programs run already
  known_.clear();
  for (const InstallerConfig& c : config_) {
    if (c.facts.empty()) {
      Object o;
      if (!c.version_file.empty()) o.set("version", first_line(c.version_file));
      known_[c.kind] = to_text(o);
      continue;
    }
    try {
      Program::Task task;
      task.argv = c.facts;
      task.timeout_s = kFacts_s;
      task.errors = false;
      tellers_[c.kind] = std::make_unique<Program>(host_, std::move(task),
                                                   [this, &c](const Program::Ended& ended) { told(c, ended); });
    } catch (const dtu::Failure& f) {
      host_.error("installer " + c.kind + ": " + f.what());
    }
  }
  if (tellers_.empty()) answer_facts();
}

void Installers::told(const InstallerConfig& installer, const Program::Ended& ended) {
  const auto done = tellers_.extract(installer.kind);  // not before this function has ended
  try {
    if (!ended.trouble.empty()) throw dtu::Failure(DTU_E_IO, ended.trouble);
    const auto said = Poco::JSON::Parser().parse(ended.output).extract<Object::Ptr>();
    known_[installer.kind] = to_text(*said);
  } catch (const Poco::Exception& e) {
    host_.error(installer.facts[0] + " did not report the version of " + installer.kind +
                ": no JSON object: " + e.displayText());
  } catch (const std::exception& e) {
    host_.error(installer.facts[0] + " did not report the version of " + installer.kind + ": " + e.what());
  }
  if (tellers_.empty()) answer_facts();
}

void Installers::answer_facts() {
  std::string all = "{";
  for (const auto& [kind, json] : known_)
    all.append(all.size() > 1 ? ",\"" : "\"").append(kind).append("\":").append(json);
  all += "}";
  for (const uint64_t call : std::exchange(asking_, {})) host_.reply(call, all);
}

// --- install ---------------------------------------------------------------------------------------------------------

void Installers::install(const dtu::FirmwareImage& image, uint64_t call) {
  const InstallerConfig& by = find(image.kind);
  if (installation_) throw dtu::Failure(DTU_E_INVALID, "an installation is already running");
  auto next = std::make_unique<Installation>();
  next->call = call;
  next->by = &by;
  next->image = image;
  for (std::string word : by.install) {
    // What the order says last: nothing in it stands for anything.
    for (const auto& [what, value] : {std::pair<const char*, std::string>("{file}", image.file),
                                      {"{size}", std::to_string(image.size)},
                                      {"{sha256}", image.sha256},
                                      {"{version}", image.version}})
      word = filled_in(std::move(word), what, value);
    next->argv.push_back(std::move(word));
  }
  next->file = dtu_port::Descriptor(::open(image.file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!next->file)
    throw dtu::Failure(DTU_E_IO, "cannot read " + image.file + ": " + std::generic_category().message(errno));
  next->until_ns = host_.monotonic_ns() + int64_t{by.timeout_s} * kSecond;
  installation_ = std::move(next);
  try {
    begin_install();
  } catch (...) {
    installation_.reset();
    throw;
  }
}

// dtud may have been killed while an installer ran, which then goes on by itself: it holds the lock of its file.
void Installers::begin_install() {
  Installation& now = *installation_;
  if (::flock(now.file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (host_.monotonic_ns() > now.until_ns) throw dtu::Failure(DTU_E_IO, "an earlier installer is still running");
    if (now.again == nullptr) {
      host_.warn("waiting for an earlier installer that is still running");
      now.again = std::make_unique<dtu::Timer>(host_, [this] {
        try {
          begin_install();
        } catch (const dtu::Failure& f) {
          failed(f.code(), f.what());
        }
      });
    }
    return now.again->arm_ms(kLookAgain_ms);
  }
  now.hashing = std::make_unique<dtu::Timer>(host_, [this] {
    try {
      hash_more();
    } catch (const dtu::Failure& f) {
      failed(f.code(), f.what());
    }
  });
  now.hashing->arm_us(0);
}

// A part at a time: the lane is not held up. The program reads the same file, which is locked and which nobody writes.
void Installers::hash_more() {
  Installation& now = *installation_;
  std::vector<char> part(kHashedAtOnce);
  const ssize_t n = ::pread(now.file.get(), part.data(), part.size(), static_cast<off_t>(now.bytes));
  if (n < 0 && errno != EINTR)
    throw dtu::Failure(DTU_E_IO, "cannot read " + now.image.file + ": " + std::generic_category().message(errno));
  if (n > 0) {
    now.read.update({part.data(), static_cast<size_t>(n)});
    now.bytes += static_cast<uint64_t>(n);
  }
  if (n != 0 && now.bytes <= now.image.size) return now.hashing->arm_us(0);
  if (now.bytes != now.image.size)
    throw dtu::Failure(DTU_E_IO, now.image.file + " has " + (now.bytes > now.image.size ? "more" : "less") +
                                     " than the " + std::to_string(now.image.size) + " bytes that were announced");
  if (const std::string digest = now.read.hex(); digest != now.image.sha256)
    throw dtu::Failure(DTU_E_IO, "the SHA-256 of " + now.image.file + " is " + digest + ", not " + now.image.sha256);
  run_program();
}

void Installers::run_program() {
  Installation& now = *installation_;
  Program::Task task;
  task.argv = now.argv;
  task.timeout_s = now.by->timeout_s;
  task.keep_open = now.file.get();
  task.line = [this](std::string_view line) {
    host_.info(line);
    if (const int32_t percent = percent_in(line); percent >= 0) progressed(percent);
  };
  now.program = std::make_unique<Program>(host_, std::move(task), [this](const Program::Ended& ended) {
    if (!ended.trouble.empty()) return failed(DTU_E_IO, installation_->argv[0] + ": " + ended.trouble);
    const std::unique_ptr<Installation> done = std::move(installation_);
    host_.reply(done->call, done->by->restart.empty() ? "" : "{\"restart\": \"" + done->by->restart + "\"}");
    dtu::tell_firmware_progress(events_, -1);
  });
}

void Installers::failed(dtu_status status, const std::string& why) {
  const std::unique_ptr<Installation> done = std::move(installation_);  // its timers too, once this has ended
  host_.reply_error(done->call, status, why);
  dtu::tell_firmware_progress(events_, -1);
}

void Installers::progressed(int32_t percent) {
  if (percent == std::exchange(installation_->percent, percent)) return;
  dtu::tell_firmware_progress(events_, percent);
}

void Installers::cancel() {
  if (!installation_) return;
  if (installation_->program) return installation_->program->stop("it was cancelled");
  failed(DTU_E_CLOSED, "it was cancelled");
}

void Installers::cancel(uint64_t call) {
  if (installation_ && installation_->call == call) cancel();
}

void Installers::mark_good(std::string_view kind, uint64_t call) {
  const InstallerConfig& by = find(kind);
  if (by.mark_good.empty()) {
    host_.reply(call, "");
    return;
  }
  if (mark_) throw dtu::Failure(DTU_E_INVALID, "a mark is already being set");
  Program::Task task;
  task.argv = by.mark_good;
  task.timeout_s = kMark_s;
  mark_ = std::make_unique<Mark>();
  mark_->call = call;
  try {
    mark_->program = std::make_unique<Program>(host_, std::move(task), [this](const Program::Ended& ended) {
      const std::unique_ptr<Mark> done = std::move(mark_);
      if (ended.trouble.empty())
        host_.reply(done->call, "");
      else
        host_.reply_error(done->call, DTU_E_IO, ended.trouble);
    });
  } catch (...) {
    mark_.reset();
    throw;
  }
}

}  // namespace hal_linux
