// Device documents compared, merged and cleared of nulls: what a change of a part is made of.
#pragma once
#include <set>
#include <string>

#include "config/json_value.hpp"

namespace dtud::config {

// The parts in which two documents differ, as JSON pointers: "/conf/1", "/uconf/2", else top-level keys such as
// "/plate". The order of keys and white space do not count.
using Parts = std::set<std::string>;
[[nodiscard]] Parts changed_parts(const JsonObject& a, const JsonObject& b);
[[nodiscard]] bool overlap(const Parts& a, const Parts& b);
// "/conf/1" as people write it: "conf.1".
[[nodiscard]] std::string dotted(std::string part);
// "conf.1, plate"
[[nodiscard]] std::string listed_parts(const Parts& parts);

// `document` with these parts as `from` has them; a part that `from` does not have is removed.
[[nodiscard]] JsonObject::Ptr with_parts(const JsonObject& document, const Parts& parts, const JsonObject& from);

// RFC 7396: members of `patch` replace those of `document`, objects are merged, null removes a member. The order of
// keys is kept.
[[nodiscard]] JsonObject::Ptr merge_patch(const JsonObject& document, const JsonObject& patch);
// A copy in which no object, at any depth, has a member that is null.
[[nodiscard]] Json without_nulls(const Json& value);
// The same for the text of a document that read_json accepts. The places of all other values stay as they are, unless
// there are many nulls.
[[nodiscard]] std::string text_without_nulls(std::string text);

// As a file that people edit: indented, unless it would be longer than documents may be.
[[nodiscard]] std::string file_text(const JsonObject::Ptr& document);

}  // namespace dtud::config
