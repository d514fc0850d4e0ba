// Any bytes as a device document and as a board file. What must hold: nothing thrown, a reason for every document
// refused, Poco reads what we call JSON, and masking and unmasking give back the same document.
#include <cstdlib>

#include "config/json_value.hpp"
#include "fixture.hpp"

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dtud::config;
  static const Installed installed;
  static const Schemas schemas = installed.schemas();
  const std::string text(reinterpret_cast<const char*>(data), size);

  Findings findings;
  const auto config = read_device(text, "d", schemas, findings);
  must(config || has_errors(findings));
  for (const auto& f : findings) {
    must(f.line >= 1 && f.column >= 1 && f.message.rfind("the document could not be read", 0) != 0);
  }
  if (config) {
    Findings again;
    const auto back = unmask(masked(*config), *config, again);
    must(again.empty());
    Findings ignored;
    const auto second = read_device(back, "d", schemas, ignored);
    must(second.has_value() && second->secrets == config->secrets);
    must(to_json(Json(second->document)) == to_json(Json(config->document)));
  }
  Findings about_board;
  must(read_board(text, "b", schemas, about_board) || has_errors(about_board));
  return 0;
}
