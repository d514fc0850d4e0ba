// The interface tables of a component, cut to the size we know; null function pointers are absent ones.
#pragma once
#include <dtu/channel.h>
#include <dtu/commands.h>
#include <dtu/dialect.h>
#include <dtu/points.h>
#include <dtu/ports.h>

namespace dtud::plugins {

struct Tables {
  dtu_channel channel{};
  dtu_ports ports{};
  dtu_points points{};
  dtu_commands commands{};
  dtu_dialect dialect{};
};

}  // namespace dtud::plugins
