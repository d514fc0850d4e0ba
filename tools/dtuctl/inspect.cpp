#include "actions.hpp"
#include "failure.hpp"
#include "json.hpp"
#include "text.hpp"

namespace dtuctl {
namespace {

std::string joined(const Json& array, const char* nothing) {
  std::string out;
  for (const Json& item : array.items()) out += (out.empty() ? "" : ", ") + printable(item.text());
  return out.empty() ? nothing : out;
}

// "integer 1..65535", "one of mqtt, mqtts"
std::string type_of(const Json& property) {
  if (property["enum"].is_array()) return "one of " + joined(property["enum"], "nothing");
  if (!property["const"].is_null()) return "is " + property["const"].text();
  std::string out = property["type"].is_array() ? joined(property["type"], "") : property["type"].text();
  const std::string least = property["minimum"].text();
  const std::string most = property["maximum"].text();
  if (!least.empty() || !most.empty()) out += " " + least + ".." + most;
  return out;
}

// One row for each property, those of nested objects below their parent with dots.
void add_properties(Table& table, const Json& schema, const std::string& prefix, int depth) {
  constexpr int deepest = 8;
  const Json properties = schema["properties"];
  for (const std::string& name : properties.keys()) {
    const Json p = properties[name];
    bool required = false;
    for (const Json& r : schema["required"].items()) required = required || r.text() == name;
    const std::string description = p["description"].text();
    table.add({prefix + name, type_of(p),
               required                 ? "required"
               : p["default"].is_null() ? ""
                                        : p["default"].dump(),
               description.empty() ? p["title"].text() : description});
    if (depth < deepest) add_properties(table, p, prefix + name + ".", depth + 1);
  }
}

}  // namespace

int inspect(const Invocation& in) {
  const std::string body = in.client().need("GET", "/v1/components/" + as_segment(in.operands[0]));
  if (in.json()) {
    print(body + "\n");
    return kOk;
  }
  bool first = true;
  for (const Json& c : Json::parse(body, "the answer", kFailed).items()) {
    const std::string name = c["kind"].text() + " " + c["type"].text();
    print((first ? "" : "\n") + in.terminal.paint(Colour::bold, printable(name)) + ": " + printable(c["title"].text()) +
          "\nplugin      " + printable(c["plugin"].text()) + "\ninterfaces  " + joined(c["interfaces"], "none") +
          "\nabilities   " + joined(c["caps"], "none in particular") + "\n");
    for (const Json& i : c["instances"].items()) {
      std::string faults;
      for (const std::string& kind : i["faults"].keys())
        faults += (faults.empty() ? "; faults: " : ", ") + kind + " " + i["faults"][kind]["count"].text();
      print("runs as     " +
            printable(i["name"].text() + ", " + i["state"].text() + (i["quarantined"].flag() ? ", in quarantine" : "") +
                      faults) +
            "\n");
    }
    if (!c["dialects"].items().empty()) print("dialects    " + joined(c["dialects"], "") + "\n");
    Table table({"PROPERTY", "TYPE", "DEFAULT", "MEANING"});
    add_properties(table, c["schema"], "", 0);
    print("\n" + (table.empty() ? "it takes no configuration\n" : table.text(in.terminal)));
    first = false;
  }
  return kOk;
}

}  // namespace dtuctl
