#include "kernel/offline_storage.hpp"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <utility>

namespace dtud {
namespace {

constexpr int64_t kFlushWithin_ns = 5'000'000'000;

}  // namespace

OfflineStorage::OfflineStorage(Lane& lane, Log& log, DiskLane& disk)
    : lane_(lane), log_(log), disk_(disk), storage_{lane, log, disk_, "", ""} {
  timer_ = lane_.timers().create(too_late, this);
}

OfflineStorage::~OfflineStorage() { lane_.timers().destroy(timer_); }

void OfflineStorage::set_folders(const std::string& state_dir, const std::string& runtime_dir) {
  storage_.spool_dir = state_dir + "/spool";
  storage_.journal_dir = runtime_dir + "/journal";
}

void OfflineStorage::keep(routing::Router& router, routing::Channel& channel) {
  const config::OutboxConfig& c = channel.config.outbox;
  const bool wanted = c.storage != config::Storage::off;
  if (!wanted && channel.outbox.backlog() == nullptr) {
    spool::Trouble problem;
    const bool left = routing::Backlog::left_over(storage_, channel.id, &problem);
    if (problem) log_.warning(channel.name, "cannot check for stored messages of an earlier run: " + problem.text);
    if (!left) return;
    log_.warning(channel.name,
                 "offline_storage is off, but stored messages of an earlier run exist: they are sent first");
  }
  if (wanted) warn_of_flash();
  channel.outbox.keep(
      storage_, channel.id, c.storage, {c.disk_bytes, c.disk_messages}, [&channel] { return channel.carries(); },
      [&router, &channel] { router.outbox_changed(channel); });
}

// Every message passes through the files of runtime_dir: on flash that would wear it out within months.
void OfflineStorage::warn_of_flash() {
  if (std::exchange(warned_, true)) return;
  const std::string folder = storage_.journal_dir.substr(0, storage_.journal_dir.rfind('/'));
  struct statfs info {};
  if (::statfs(folder.c_str(), &info) != 0) return;
  const auto type = static_cast<uint32_t>(info.f_type);  // how wide and signed it is differs
  if (type != TMPFS_MAGIC && type != RAMFS_MAGIC)
    log_.warning("kernel", folder +
                               " is not in memory (tmpfs): every stored message is written there. Set runtime_dir in "
                               "board.json to a folder in memory, such as one in /run");
}

void OfflineStorage::flush(routing::Router& router, std::function<void()> done) {
  flushed_ = std::move(done);
  lane_.timers().arm(timer_, lane_.now_ns() + kFlushWithin_ns);
  auto left = std::make_shared<size_t>(1);
  const auto one_less = [this, left] {
    if (--*left != 0) return;
    lane_.timers().disarm(timer_);
    if (flushed_) std::exchange(flushed_, nullptr)();
  };
  for (const auto& channel : router.channels())
    if (routing::Backlog* backlog = channel->outbox.backlog()) {
      ++*left;
      backlog->flush(one_less);
    }
  one_less();
}

void OfflineStorage::too_late(void* self) {
  auto& me = *static_cast<OfflineStorage*>(self);
  me.log_.error("kernel",
                "the messages in memory were not written to the disk within 5 s: they survive a restart of dtud, "
                "but not of the board");
  if (me.flushed_) std::exchange(me.flushed_, nullptr)();
}

spool::Disk::Space OfflineStorage::space() const {
  return spool::make_disk()->space(storage_.spool_dir.substr(0, storage_.spool_dir.rfind('/')));
}

}  // namespace dtud
