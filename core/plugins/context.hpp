// What every instance shares.
#pragma once
#include <string>

#include "lanes/lane.hpp"
#include "lanes/stall_watch.hpp"
#include "log/log.hpp"
#include "plugins/inbox.hpp"
#include "plugins/metrics.hpp"
#include "plugins/upcalls.hpp"

namespace dtud::events {
class Exchange;
}

namespace dtud::plugins {

class Folders;
class Instances;
class Killers;
class KvStore;
namespace isolation {
class Isolation;
struct Activity;
}  // namespace isolation

struct Context {
  Lane& main;
  Log& log;
  Upcalls& up;
  Inbox& inbox;
  Metrics& metrics;
  StallWatch& stalls;
  Instances& instances;
  KvStore* kv = nullptr;                      // null: there is no dtu.kv/1
  isolation::Isolation* isolation = nullptr;  // dtud's: for components with `isolate`
  isolation::Activity* activity = nullptr;    // of the process of an isolated instance: dtud looks at it, and tells
  events::Exchange* events = nullptr;         // null: there is no dtu.events/1
  Folders* folders = nullptr;                 // null: there is no dtu.folder/1
  Killers* killers = nullptr;                 // dtud's: who ended the processes before this one
};

}  // namespace dtud::plugins
