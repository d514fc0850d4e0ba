// What components find in their own configurations (dtu_ops.check), and what shows when all of them are seen together.
// A claim or an offer is a name like "tcp-listen:7001:0.0.0.0": nobody here knows more of it than its kind,
// "tcp-listen".
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dtud::config {

class Report;

struct Checkup {  // of one component
  struct Note {
    std::string path;  // JSON pointer below the component's part
    std::string text;
  };
  std::vector<Note> errors, warnings, claims, offers;
  // Takes these out of what it says: a plugin may quote what it was given.
  void hide(const std::vector<std::string>& secrets);
};

// The components of the board file, or of both documents.
class Product {
 public:
  // Reports the faults of `owner` ("hal linux", "channel 3"), whose part stands at `path`, and what it claims although
  // another component has it.
  void add(const std::string& owner, const std::string& path, const Checkup& checkup, Report& report);
  // Of a HAL, also when nobody could ask it: then nothing is known of its ports.
  void add_hal(const std::string& owner, const std::string& path, const std::optional<Checkup>& checkup,
               Report& report);

  // What the HALs offer of a kind ("port"), without the kind; nothing when one of them does not tell.
  [[nodiscard]] std::optional<std::vector<std::string>> offered(std::string_view kind) const;
  // What was found in their keys of the device document ("/document/<key>/..."), as findings of that document.
  void tell_of_document(Report& report) const;

 private:
  struct Owned {
    std::string owner, name;
  };
  struct OfDocument {
    std::string owner;
    Checkup::Note note;  // its path is one of the document
    bool is_error;
  };
  std::vector<Owned> claims_, offers_;
  std::vector<OfDocument> of_document_;
  std::vector<std::string> hals_;
};

}  // namespace dtud::config
