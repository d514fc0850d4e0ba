// Using the interfaces of a started instance as dtud would. All of them do nothing when it does not offer the
// interface.
#pragma once
#include "subject.hpp"

namespace dtu::check {

enum class Depth { light, thorough };

void use_channel(Subject& s, Depth depth);
void use_ports(Subject& s, Depth depth);
void use_points(Subject& s, Depth depth);
void use_commands(Subject& s, Depth depth);
void use_dialect(Subject& s, Depth depth);
void use_all(Subject& s, Depth depth);  // and health

// The host has no room for what is emitted, and then it has.
// Ordinary messages, one batch after the other: how many were taken and completed.
[[nodiscard]] size_t carry_many(Subject& s, size_t most, milliseconds time);
void press_channel(Subject& s);
void press_ports(Subject& s);

// As much as the instance takes at once, and nothing is waited for.
void load_channel(Subject& s);
void load_ports(Subject& s);

}  // namespace dtu::check
