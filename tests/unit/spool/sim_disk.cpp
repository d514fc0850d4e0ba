#include "sim_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace dtud::spool {

class SimFile : public File {
 public:
  SimFile(SimDisk& disk, std::shared_ptr<SimDisk::Inode> inode) : disk_(disk), inode_(std::move(inode)) {}

  int64_t read_at(uint64_t offset, char* to, uint64_t size) override {
    if (disk_.failing(true)) return disk_.fault_.error;
    const std::string& from = inode_->now;
    if (offset >= from.size()) return 0;
    const uint64_t n = std::min<uint64_t>(size, from.size() - offset);
    std::copy_n(from.data() + offset, n, to);
    return static_cast<int64_t>(n);
  }

  int write_at(uint64_t offset, std::string_view bytes) override {
    const bool fails = disk_.failing(false);
    if (fails && disk_.fault_.error == -EIO) bytes = bytes.substr(0, disk_.random_() % (bytes.size() + 1));
    if (!fails || disk_.fault_.error == -EIO) {
      inode_->unsynced.push_back({offset, std::string(bytes)});
      SimDisk::apply(inode_->unsynced.back(), inode_->now);
      if (!bytes.empty()) disk_.written_ += ((offset + bytes.size() - 1) / 4096 - offset / 4096 + 1) * 4096;
    }
    disk_.changed();
    return fails ? disk_.fault_.error : 0;
  }

  int reserve(uint64_t size) override {
    if (disk_.failing(false)) return disk_.fault_.error;
    if (size != inode_->now.size()) {
      inode_->unsynced.push_back({0, {}, size});
      SimDisk::apply(inode_->unsynced.back(), inode_->now);
    }
    disk_.changed();
    return 0;
  }

  // One that fails leaves some on disk, and the kernel takes the rest for clean: no later sync writes it.
  int sync() override {
    if (disk_.failing(false)) {
      for (const auto& write : inode_->unsynced)
        if (disk_.random_() % 2 == 0) SimDisk::apply(write, inode_->synced);
      inode_->unsynced.clear();
      return disk_.fault_.error;
    }
    for (const auto& write : inode_->unsynced) SimDisk::apply(write, inode_->synced);
    inode_->unsynced.clear();
    disk_.changed();
    return 0;
  }

  uint64_t size() override { return inode_->now.size(); }

 private:
  SimDisk& disk_;
  std::shared_ptr<SimDisk::Inode> inode_;
};

void SimDisk::apply(const Write& write, std::string& content) {
  if (write.new_size != UINT64_MAX) {
    content.resize(write.new_size, '\0');
    return;
  }
  if (content.size() < write.offset + write.bytes.size()) content.resize(write.offset + write.bytes.size(), '\0');
  std::copy(write.bytes.begin(), write.bytes.end(), content.begin() + static_cast<std::ptrdiff_t>(write.offset));
}

void SimDisk::apply(const NameChange& change, Names& names) {
  if (change.from.empty()) {
    names[change.to] = change.inode;
  } else if (const auto at = names.find(change.from); at != names.end()) {
    const auto inode = at->second;
    names.erase(at);
    if (!change.to.empty()) names[change.to] = inode;
  }
}

void SimDisk::tear(const Write& write, std::string& content, std::mt19937_64& random) {
  const uint64_t grain = random() % 2 == 0 ? 512 : 4096;
  const uint64_t end = write.offset + write.bytes.size();
  for (uint64_t at = write.offset; at < end;) {
    const uint64_t next = std::min(end, (at / grain + 1) * grain);
    if (random() % 2 == 0) apply({at, write.bytes.substr(at - write.offset, next - at)}, content);
    at = next;
  }
}

std::unique_ptr<SimDisk> SimDisk::after_power_cut(Unsynced unsynced, std::mt19937_64& random) const {
  auto out = std::make_unique<SimDisk>();
  out->folder_ = folder_;
  Names names = synced_;
  size_t changes = unsynced == Unsynced::lost ? 0 : unsynced_.size();
  if (unsynced == Unsynced::mixed) changes = random() % (unsynced_.size() + 1);
  for (size_t i = 0; i < changes; ++i)
    if (unsynced != Unsynced::any || random() % 2 == 0) apply(unsynced_[i], names);
  for (const auto& [name, inode] : names) {
    auto copy = std::make_shared<Inode>();
    copy->synced = inode->synced;
    for (const Write& write : inode->unsynced) {
      const uint64_t fate = unsynced == Unsynced::kept ? 0 : unsynced == Unsynced::lost ? 1 : random() % 4;
      if (fate == 0) apply(write, copy->synced);
      if (fate > 1) {
        if (write.new_size != UINT64_MAX)
          apply(write, copy->synced);
        else
          tear(write, copy->synced, random);
      }
    }
    copy->now = copy->synced;
    out->synced_[name] = copy;
  }
  out->now_ = out->synced_;
  out->random_.seed(random());
  return out;
}

bool SimDisk::failing(bool reads) {
  const uint64_t n = operations_++;
  const bool fails = n >= fault_.at && n - fault_.at < fault_.times && (!reads || fault_.reads_too);
  fault_hit_ = fault_hit_ || fails;
  return fails;
}

void SimDisk::changed() {
  if (changed_) changed_();
}

std::string SimDisk::content(const std::string& file) const {
  const auto at = now_.find(file);
  return at == now_.end() ? std::string() : at->second->now;
}

void SimDisk::set_content(const std::string& file, std::string content) {
  auto inode = std::make_shared<Inode>();
  inode->now = inode->synced = std::move(content);
  now_[file] = synced_[file] = inode;
  folder_ = true;
}

std::vector<std::string> SimDisk::files() const {
  std::vector<std::string> out;
  for (const auto& [name, inode] : now_) out.push_back(name);
  return out;
}

std::unique_ptr<File> SimDisk::open(const std::string& file, bool create, int& error) {
  error = 0;
  if (failing(!create)) {
    error = fault_.error;
    return nullptr;
  }
  const auto at = now_.find(file);
  if (create && at != now_.end()) error = -EEXIST;
  if (!create && at == now_.end()) error = -ENOENT;
  if (create && !folder_) error = -ENOENT;
  if (error != 0) return nullptr;
  if (!create) return std::make_unique<SimFile>(*this, at->second);
  unsynced_.push_back({"", file, std::make_shared<Inode>()});
  apply(unsynced_.back(), now_);
  auto out = std::make_unique<SimFile>(*this, unsynced_.back().inode);
  changed();
  return out;
}

int SimDisk::rename(const std::string& from, const std::string& to) {
  if (failing(false)) return fault_.error;
  if (now_.count(from) == 0) return -ENOENT;
  unsynced_.push_back({from, to, nullptr});
  apply(unsynced_.back(), now_);
  changed();
  return 0;
}

int SimDisk::remove(const std::string& file) {
  if (failing(false)) return fault_.error;
  if (now_.count(file) == 0) return -ENOENT;
  unsynced_.push_back({file, "", nullptr});
  apply(unsynced_.back(), now_);
  changed();
  return 0;
}

int SimDisk::make_folder(const std::string& /*folder*/) {
  if (failing(false)) return fault_.error;
  folder_ = true;
  return 0;
}

int SimDisk::list(const std::string& folder, std::vector<std::string>& names) {
  names.clear();
  if (failing(true)) return fault_.error;
  if (!folder_) return -ENOENT;
  for (const auto& [name, inode] : now_) names.push_back(name.substr(folder.size() + 1));
  return 0;
}

int SimDisk::sync_folder(const std::string& /*folder*/) {
  if (failing(false)) return fault_.error;
  for (const NameChange& change : unsynced_) apply(change, synced_);
  unsynced_.clear();
  changed();
  return 0;
}

Disk::Space SimDisk::space(const std::string& /*folder*/) { return {1U << 30U, 1U << 29U, 4096}; }

}  // namespace dtud::spool
