#include "lanes/call_page.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>
#include <memory>
#include <new>
#include <system_error>

#include "lanes/descriptor.hpp"
#include "lanes/lane.hpp"

namespace dtud {

struct CallPage::Page {
  struct Name {
    std::array<char, 56> name;
    std::array<char, 64> plugin;
    uint64_t origin;
  };
  static constexpr uint64_t kMagic = 0x31736c6c61637464;  // "dtcalls1"
  uint64_t magic = 0;
  uint64_t build = 0;    // of dtud: only the same one knows its functions
  uintptr_t anchor = 0;  // where it was mapped
  std::array<char, 48> boot{};
  std::atomic<uint32_t> running{0};
  std::atomic<uint32_t> cause{0}, cause_slot{0}, outside{0};  // cause_slot: 0: no lane's, else its number and 1
  std::atomic<int64_t> ended_ns{0};
  std::array<CallSlot, kMostSlots> slots{};
  std::array<Name, kMostNames> names{};
};

namespace {

using Page = CallPage::Page;
static_assert(std::atomic<uint32_t>::is_always_lock_free && std::atomic<const char*>::is_always_lock_free);

constexpr char kFile[] = "/calls";
constexpr size_t kLongestFunction = 40;
constexpr char kAnchor[] = "anchor";
constexpr std::array<int, 7> kDeadly{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP};

// A signal handler gets nothing handed: what it needs has to be found from nowhere.
struct Deadly {
  std::atomic<Page*> page{nullptr};
  pid_t pid = 0;
  std::array<struct sigaction, NSIG> before{};
};
Deadly deadly;

std::string reason() { return std::generic_category().message(errno); }

template <size_t N>
void put(std::array<char, N>& to, std::string_view text) {
  to.fill('\0');
  text.copy(to.data(), N - 1);
}
template <size_t N>
std::string text_of(const std::array<char, N>& from) {
  std::string text(from.data(), ::strnlen(from.data(), N));
  for (char& c : text)
    if (c < ' ' || c > '~') c = '?';
  return text;
}

// Of the program that runs: the file it came from.
uint64_t build_id() {
  struct stat st {};
  if (::stat("/proc/self/exe", &st) != 0) return 0;
  const std::string text = std::to_string(st.st_dev) + ":" + std::to_string(st.st_ino) + ":" +
                           std::to_string(st.st_size) + ":" + std::to_string(st.st_mtim.tv_sec) + "." +
                           std::to_string(st.st_mtim.tv_nsec) + ":" + std::to_string(sizeof(Page));
  return std::hash<std::string>()(text);
}

// --- the death -------------------------------------------------------------------------------------------------------

void mark(uint32_t cause, bool outside) {
  Page* page = deadly.page.load();
  if (page == nullptr || ::getpid() != deadly.pid) return;  // a child that a plugin forked
  uint32_t none = 0;
  if (!page->cause.compare_exchange_strong(none, cause)) return;
  page->ended_ns.store(boot_ns());
  page->outside.store(outside ? 1 : 0);
  const Lane* lane = Lane::current();
  const CallSlot* slot = lane != nullptr ? &lane->slot() : nullptr;
  for (uint32_t i = 0; i < page->slots.size(); ++i)
    if (&page->slots[i] == slot) page->cause_slot.store(i + 1);
}

// The fault happens again when this returns, and then whoever handled it before gets it, or a core is written.
void on_signal(int number, siginfo_t* info, void* /*context*/) {
  const int saved = errno;
  const bool sent = info->si_code <= 0;
  mark(static_cast<uint32_t>(number), sent && info->si_pid != ::getpid());
  ::sigaction(number, &deadly.before[static_cast<size_t>(number)], nullptr);
  if (sent || number == SIGTRAP || number == SIGSYS) ::raise(number);
  errno = saved;
}

void on_exit_called() { mark(LastCalls::kExit, false); }

void watch_for_death(Page* page) {
  deadly.pid = ::getpid();
  const bool first = deadly.page.exchange(page) == nullptr;
  if (page == nullptr || !first) return;
  static const bool hooked = std::atexit(on_exit_called) == 0;
  (void)hooked;
  struct sigaction act {};
  act.sa_sigaction = on_signal;
  act.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigemptyset(&act.sa_mask);
  for (const int number : kDeadly) ::sigaction(number, &act, &deadly.before[static_cast<size_t>(number)]);
}

void watch_no_more() {
  if (deadly.page.exchange(nullptr) == nullptr) return;
  for (const int number : kDeadly) ::sigaction(number, &deadly.before[static_cast<size_t>(number)], nullptr);
}

// --- what is left of another -----------------------------------------------------------------------------------------

// The bytes of a literal of this very program, if there are any at this place: asked of the system, which looks before
// it reads.
std::string literal_at(uintptr_t address) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return {};
  const Descriptor from(ends[0]), to(ends[1]);
  std::string text;
  for (; text.size() < kLongestFunction; ++address) {
    char c = 0;
    if (::write(to.get(), reinterpret_cast<const void*>(address), 1) != 1 || ::read(from.get(), &c, 1) != 1) return {};
    if (c == '\0') return text;
    if ((c < 'a' || c > 'z') && c != '_' && c != ' ') return {};
    text += c;
  }
  return {};
}

std::optional<LastCalls::Call> call_in(const Page& page, const CallSlot& slot, bool same_build) {
  const uint32_t who = slot.who.load();
  if (who == 0 || who > page.names.size()) return std::nullopt;
  const Page::Name& name = page.names[who - 1];
  LastCalls::Call call{text_of(name.name), text_of(name.plugin), name.origin, {}};
  if (call.name.empty()) return std::nullopt;
  const auto function = reinterpret_cast<uintptr_t>(slot.function.load());
  if (same_build && function != 0)
    call.function = literal_at(function - page.anchor + reinterpret_cast<uintptr_t>(&kAnchor));
  return call;
}

std::optional<LastCalls> read(const Page& page) {
  if (page.magic != Page::kMagic || page.running.load() != 1) return std::nullopt;
  LastCalls last;
  last.cause = page.cause.load();
  last.outside = page.outside.load() != 0;
  last.same_boot = !boot_id().empty() && text_of(page.boot) == boot_id();
  last.ended_ns = page.ended_ns.load();
  size_t died = page.cause_slot.load();
  last.on_lane = died != 0;
  // The service manager found that the main lane had not been heard of for long, and interrupted any thread.
  if (last.outside) died = last.cause == SIGABRT ? 1 : 0;
  const bool same_build = page.build != 0 && page.build == build_id();
  for (size_t i = 0; i < page.slots.size(); ++i)
    if (auto call = call_in(page, page.slots[i], same_build)) {
      if (i + 1 == died)
        last.in = std::move(call);
      else
        last.beside.push_back(std::move(*call));
    }
  return last;
}

std::optional<LastCalls> take(const std::string& file) {
  const Descriptor fd(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat st {};
  if (!fd || ::fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != ::geteuid()) return std::nullopt;
  if (st.st_size != static_cast<off_t>(sizeof(Page))) return std::nullopt;  // of another version, or half of one
  auto bytes = std::make_unique<std::array<char, sizeof(Page)>>();
  if (::pread(fd.get(), bytes->data(), bytes->size(), 0) != static_cast<ssize_t>(bytes->size())) return std::nullopt;
  auto page = std::make_unique<Page>();
  std::memcpy(static_cast<void*>(page.get()), bytes->data(), bytes->size());
  return read(*page);
}

}  // namespace

int64_t boot_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_BOOTTIME, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id.size() < 40 ? id : std::string();
}

CallPage::CallPage() = default;
CallPage::~CallPage() { end(); }

std::optional<LastCalls> CallPage::begin(const std::string& folder, std::string& trouble) {
  const std::string file = folder + kFile;
  const auto last = take(file);
  // Never the old file: another process may still have it open, and it must not be found a second time.
  ::unlink(file.c_str());
  const auto give_up = [&](const std::string& what) {
    trouble = what + " " + file + ": " + reason() + ": a plugin that ends dtud is not named";
    return last;
  };
  const Descriptor fd(::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return give_up("cannot make");
  // All of it now: a store into a file that has no room later would be the end.
  errno = ::posix_fallocate(fd.get(), 0, sizeof(Page));
  void* at = errno == 0 ? ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0) : MAP_FAILED;
  if (at == MAP_FAILED) {
    const int code = errno;
    ::unlink(file.c_str());
    errno = code;
    return give_up("cannot use");
  }
  page_ = new (at) Page;  // NOLINT(cppcoreguidelines-owning-memory): it is the file's
  page_->build = build_id();
  page_->anchor = reinterpret_cast<uintptr_t>(&kAnchor);
  put(page_->boot, boot_id());
  for (uint32_t number = kMostNames; number > 0; --number) free_.push_back(number);
  page_->running.store(1);
  page_->magic = Page::kMagic;  // last: half a page is none
  watch_for_death(page_);
  return last;
}

// It stays mapped: a lane that never came back still writes into it.
void CallPage::end() {
  if (page_ == nullptr) return;
  watch_no_more();
  page_->running.store(0);
  page_ = nullptr;
}

uint32_t CallPage::enter(std::string_view name, std::string_view plugin, uint64_t origin) {
  if (page_ == nullptr || free_.empty()) return 0;
  const uint32_t number = free_.back();
  free_.pop_back();
  Page::Name& entry = page_->names[number - 1];
  put(entry.name, name);
  put(entry.plugin, plugin);
  entry.origin = origin;
  return number;
}

void CallPage::leave(uint32_t number) {
  if (page_ != nullptr && number != 0) free_.push_back(number);
}

void CallPage::seat(Lane& lane) {
  if (page_ == nullptr) return;
  for (CallSlot& slot : page_->slots) {
    if (slot.used.exchange(1) != 0) continue;
    return lane.show_in(&slot);
  }
}

void CallPage::unseat(Lane& lane) {
  CallSlot& slot = lane.slot();
  lane.show_in(nullptr);
  if (page_ == nullptr || &slot < page_->slots.data() || &slot >= page_->slots.data() + page_->slots.size()) return;
  slot.who.store(0);
  slot.used.store(0);
}

// --- room for a handler ----------------------------------------------------------------------------------------------

namespace {
constexpr size_t kSignalStack = 32U << 10U;
}

SignalStack::SignalStack() {
  stack_t now{};
  if (::sigaltstack(nullptr, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0) return;  // a sanitizer has one
  void* at = ::mmap(nullptr, kSignalStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return;
  stack_t mine{};
  mine.ss_sp = at;
  mine.ss_size = kSignalStack;
  if (::sigaltstack(&mine, nullptr) == 0)
    memory_ = at;
  else
    ::munmap(at, kSignalStack);
}

SignalStack::~SignalStack() {
  if (memory_ == nullptr) return;
  stack_t off{};
  off.ss_flags = SS_DISABLE;
  if (::sigaltstack(&off, nullptr) == 0) ::munmap(memory_, kSignalStack);
}

}  // namespace dtud
