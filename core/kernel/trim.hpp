// Gives back memory that only starting up and connecting needed.
#pragma once

namespace dtud {

// Returns free heap to the system, and unmaps the pages of program code (the kernel brings back what is used again from
// the page cache, by a minor fault each): parsers, schemas and TLS handshakes are most of the code dtud ever touches,
// and are not needed while messages flow. What stays is what it needs to work.
void give_back_memory();

}  // namespace dtud
