// A disk in memory that knows what is synced and what is not: it can lose power, and fail at the n-th operation.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "spool/disk.hpp"

namespace dtud::spool {

class SimDisk : public Disk {
 public:
  // mixed: each write kept, lost or torn, names changed up to some point; any: names changed or not each on its own,
  // which no file system with a journal does.
  enum class Unsynced { lost, kept, mixed, any };

  struct Fault {
    uint64_t at = UINT64_MAX;  // the n-th operation fails, counted from 0
    uint64_t times = 1;        // and so many
    int error = 0;             // negative errno
    bool reads_too = true;     // EROFS and ENOSPC spare what reads
  };
  friend void PrintTo(const Fault& fault, std::ostream* out) {
    *out << "error " << -fault.error << " from operation " << fault.at;
  }

  SimDisk() = default;

  // The disk after the power went now: what the next start finds.
  [[nodiscard]] std::unique_ptr<SimDisk> after_power_cut(Unsynced unsynced, std::mt19937_64& random) const;

  void set_fault(const Fault& fault) { fault_ = fault; }
  [[nodiscard]] bool fault_hit() const { return fault_hit_; }
  [[nodiscard]] uint64_t operations() const { return operations_; }
  // Called after each operation that changes something.
  void on_change(std::function<void()> call) { changed_ = std::move(call); }
  [[nodiscard]] uint64_t written() const { return written_; }

  // What is in a file now; for tests that harm it.
  [[nodiscard]] std::string content(const std::string& file) const;
  void set_content(const std::string& file, std::string content);
  [[nodiscard]] std::vector<std::string> files() const;

  std::unique_ptr<File> open(const std::string& file, bool create, int& error) override;
  int rename(const std::string& from, const std::string& to) override;
  int remove(const std::string& file) override;
  int make_folder(const std::string& folder) override;
  int list(const std::string& folder, std::vector<std::string>& names) override;
  int sync_folder(const std::string& folder) override;
  Space space(const std::string& folder) override;

 private:
  friend class SimFile;
  struct Write {
    uint64_t offset = 0;
    std::string bytes;
    uint64_t new_size = UINT64_MAX;  // a change of the size instead
  };
  struct Inode {
    std::string now, synced;
    std::vector<Write> unsynced;
  };
  using Names = std::map<std::string, std::shared_ptr<Inode>>;
  struct NameChange {
    std::string from, to;  // no `from`: created; no `to`: removed
    std::shared_ptr<Inode> inode;
  };

  [[nodiscard]] bool failing(bool reads);
  void changed();
  static void apply(const Write& write, std::string& content);
  static void apply(const NameChange& change, Names& names);
  static void tear(const Write& write, std::string& content, std::mt19937_64& random);

  Names now_, synced_;
  std::vector<NameChange> unsynced_;
  bool folder_ = false;
  Fault fault_;
  bool fault_hit_ = false;
  uint64_t operations_ = 0, written_ = 0;
  std::function<void()> changed_;
  std::mt19937_64 random_{1};
};

}  // namespace dtud::spool
