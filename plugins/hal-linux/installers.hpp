// firmware.* of a board that has programs to install things with: RAUC, dtu-install-package, a vendor's own.
#pragma once
#include <dtu/sdk/board.hpp>
#include <dtu/sdk/sha256.hpp>

#include <dtu/kit/program/program.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config.hpp"

namespace hal_linux {

using dtu_program::Program;

class Installers {
 public:
  Installers(dtu::Host host, std::vector<InstallerConfig> config) : host_(host), config_(std::move(config)) {}
  Installers(const Installers&) = delete;
  Installers& operator=(const Installers&) = delete;

  [[nodiscard]] bool any() const { return !config_.empty(); }
  void stop();  // ends what runs, and says so to who waits

  void facts(uint64_t call);
  void install(const dtu::FirmwareImage& image, uint64_t call);
  void cancel();
  void cancel(uint64_t call);  // if that is the installation under way
  void mark_good(std::string_view kind, uint64_t call);

 private:
  const InstallerConfig& find(std::string_view kind) const;  // throws
  void told(const InstallerConfig& installer, const Program::Ended& ended);
  void begin_install();
  void hash_more();
  void run_program();
  void failed(dtu_status status, const std::string& why);
  void progressed(int32_t percent);
  void answer_facts();

  dtu::Host host_;
  const dtu::Events events_{host_};
  const std::vector<InstallerConfig> config_;

  std::vector<uint64_t> asking_;                             // calls that wait for the facts
  std::map<std::string, std::unique_ptr<Program>> tellers_;  // by kind
  std::map<std::string, std::string> known_;                 // JSON by kind

  struct Installation {
    uint64_t call = 0;
    const InstallerConfig* by = nullptr;
    dtu::FirmwareImage image;
    std::vector<std::string> argv;
    dtu_port::Descriptor file;  // locked, here and in the installer: no two of them at a time
    std::unique_ptr<Program> program;
    std::unique_ptr<dtu::Timer> again;    // while another installer is waited for
    std::unique_ptr<dtu::Timer> hashing;  // before the program runs
    dtu::Sha256 read;
    uint64_t bytes = 0;
    int64_t until_ns = 0;
    int32_t percent = -1;
  };
  std::unique_ptr<Installation> installation_;

  struct Mark {
    uint64_t call = 0;
    std::unique_ptr<Program> program;
  };
  std::unique_ptr<Mark> mark_;
};

// "[ 40%] Copying" -> 40; -1: it does not say.
[[nodiscard]] int32_t percent_in(std::string_view line);

}  // namespace hal_linux
