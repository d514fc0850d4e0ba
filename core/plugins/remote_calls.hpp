// dtu.invoke/1 for an instance on a lane of its own: the request is copied and carried to the main lane, its answer is
// carried back. A refusal of the call itself arrives as an answer too.
#pragma once
#include <dtu/services.h>

#include <string_view>

namespace dtud::plugins {

class Instance;

dtu_status invoke_from_afar(Instance& from, const dtu_request& request);
dtu_status read_from_afar(Instance& from, std::string_view point, dtu_answer_fn done, void* ctx);
dtu_status write_from_afar(Instance& from, std::string_view point, std::string_view json, dtu_answer_fn done,
                           void* ctx);

}  // namespace dtud::plugins
