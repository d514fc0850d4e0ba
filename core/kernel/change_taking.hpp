// A change of the device document on its way: from whoever wants it to the disk, and from there to the device.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "commands/access.hpp"
#include "commands/calls.hpp"
#include "commands/document_password.hpp"
#include "config/documents.hpp"
#include "disk/disk_lane.hpp"
#include "kernel/announcements.hpp"
#include "kernel/answers_out.hpp"
#include "kernel/change_facts.hpp"
#include "kernel/checks.hpp"
#include "kernel/components.hpp"
#include "kernel/device.hpp"
#include "lanes/lane.hpp"
#include "log/log.hpp"
#include "routing/router.hpp"

namespace dtud {

// What changes are made with.
struct ChangeParts {
  Lane& lane;
  Log& log;
  DiskLane& disk;
  Components& components;
  Checks& checks;
  Device& device;
  routing::Router& router;
  commands::Access& access;
  commands::Calls& calls;
  AnswersOut& answers;
  Announcements& tell;
};

struct ChangeTaking {
  std::string text, source, note;  // the document; who wants it; for the history
  uint64_t restores = 0;
  bool ran_before = false;         // one that can be used at all is taken, as at a start
  std::optional<std::string> raw;  // what stands in the device file, if it comes from there
  ChangeOutcome out;
  std::function<void(const ChangeOutcome&)> stored;  // called once, also when it is refused
  std::function<void(const Device::Changed&)> applied;
  std::shared_ptr<const config::DeviceConfig> device;  // what the document says, once it was judged; null: refused
};

// Stored, not yet applied.
struct ChangeDue {
  std::shared_ptr<const config::DeviceConfig> config;
  std::function<void(const Device::Changed&)> applied;
  int64_t latest_ns = 0;  // not later than this, answers or not
  uint64_t revision = 0;
};

}  // namespace dtud
