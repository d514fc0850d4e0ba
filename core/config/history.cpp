#include "config/history.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <system_error>

#include "config/json_text.hpp"
#include "config/json_value.hpp"

namespace dtud::config {
namespace {

constexpr std::string_view kEnding = ".json";
constexpr size_t kMostText = 8U << 20U;  // a document of 1 MiB, each of its bytes escaped, and its head

std::optional<Json> read_object(const std::string& file) {
  FileError error;
  const auto text = read_file(file, kMostText, error);
  if (!text) return std::nullopt;
  try {  // it is ours; damaged flash is no reason to end
    Json value = parse_trusted(*text);
    if (as_object(value) != nullptr) return std::optional<Json>(std::in_place, std::move(value));
  } catch (const std::exception&) {
  }
  return std::nullopt;
}

}  // namespace

std::string History::file_of(uint64_t id) const {
  std::string digits = std::to_string(id);
  digits.insert(0, digits.size() < 8 ? 8 - digits.size() : 0, '0');
  return folder_ + "/" + digits + std::string(kEnding);
}

std::vector<uint64_t> History::ids() const {
  std::vector<uint64_t> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename().string();
    uint64_t id = 0;
    const auto [end, ec] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (ec == std::errc() && id != 0 && end != name.data() && std::string_view(end) == kEnding) out.push_back(id);
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::optional<Revision> History::get(uint64_t id) const {
  const auto value = read_object(file_of(id));
  if (!value) return std::nullopt;
  const JsonObject& o = *as_object(*value);
  return Revision{id,
                  as_integer(o.get("time_ns")),
                  as_text(o.get("source")),
                  as_text(o.get("note")),
                  as_text(o.get("document")),
                  static_cast<uint64_t>(as_integer(o.get("restores")))};
}

std::optional<Revision> History::newest() const {
  const auto known = ids();
  for (auto id = known.rbegin(); id != known.rend(); ++id)
    if (auto revision = get(*id)) return revision;
  return std::nullopt;
}

uint64_t History::add(Revision revision, uint64_t keep, FileError& error) const {
  std::error_code problem;
  std::filesystem::create_directories(folder_, problem);
  if (problem) {
    error = {problem.value(), "cannot make " + folder_ + ": " + problem.message()};
    return 0;
  }
  auto known = ids();
  revision.id = known.empty() ? 1 : known.back() + 1;
  auto o = make_ordered_object();
  o->set("time_ns", revision.time_ns);
  o->set("source", revision.source);
  o->set("note", revision.note);
  o->set("document", revision.text);
  if (revision.restores != 0) o->set("restores", revision.restores);
  if (!write_file(file_of(revision.id), to_json(Json(o)), error)) return 0;
  for (size_t i = 0; i < known.size() && known.size() + 1 - i > kKept; ++i)
    if (known[i] != keep) ::unlink(file_of(known[i]).c_str());
  return revision.id;
}

void History::take_back(uint64_t id) const { ::unlink(file_of(id).c_str()); }

uint64_t History::ran() const {
  FileError error;
  const auto text = read_file(folder_ + "/ran", 32, error);
  uint64_t id = 0;
  if (text) (void)std::from_chars(text->data(), text->data() + text->size(), id);
  return id;
}

bool History::set_ran(uint64_t id, FileError& error) const {
  return write_file(folder_ + "/ran", std::to_string(id) + "\n", error);
}

std::optional<Trial> TrialFile::read() const {
  const auto value = read_object(file_);
  if (!value) return std::nullopt;
  const JsonObject& o = *as_object(*value);
  Trial trial{static_cast<uint64_t>(as_integer(o.get("good"))),
              static_cast<uint64_t>(as_integer(o.get("tried"))),
              as_text(o.get("source")),
              static_cast<uint32_t>(as_integer(o.get("starts"))),
              as_integer(o.get("since_ns")),
              as_text(o.get("document"))};
  return trial;
}

bool TrialFile::write(const Trial& trial, FileError& error) const {
  auto o = make_ordered_object();
  o->set("good", trial.good);
  o->set("tried", trial.tried);
  o->set("source", trial.source);
  o->set("starts", trial.starts);
  o->set("since_ns", trial.since_ns);
  if (!trial.document.empty()) o->set("document", trial.document);
  return write_file(file_, to_json(Json(o)), error);
}

bool TrialFile::remove(FileError& error) const { return remove_file(file_, error); }

}  // namespace dtud::config
