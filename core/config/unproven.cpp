#include "config/unproven.hpp"

#include <Poco/DigestEngine.h>
#include <Poco/SHA2Engine.h>

#include <utility>

#include "config/json_text.hpp"
#include "config/json_value.hpp"
#include "config/syntax.hpp"

namespace dtud::config {
namespace {

constexpr size_t kMostText = 64U << 10U;
constexpr size_t kMostDocuments = 8;  // dtud writes two at most
constexpr size_t kDigest = 64;

}  // namespace

std::string digest_of(const std::string& document) {
  Findings ignored;
  const auto json = read_json(document, "", ignored);
  Poco::SHA2Engine sha(Poco::SHA2Engine::SHA_256);
  sha.update(json ? to_json(*json) : document);
  return Poco::DigestEngine::digestToHex(sha.digest());
}

UnprovenFile::UnprovenFile(std::string file) : file_(std::move(file), kMostText) {}

std::vector<Unproven> UnprovenFile::read(std::string& problem) {
  const auto value = file_.read(problem);
  if (!value) return {};
  const Json list = as_object(*value)->get("documents");
  const JsonArray* documents = as_list(list);
  std::vector<Unproven> out;
  bool good = documents != nullptr && documents->size() != 0 && documents->size() <= kMostDocuments;
  for (size_t i = 0; good && i < documents->size(); ++i) {
    const Json entry = documents->get(static_cast<unsigned>(i));
    const JsonObject* o = as_object(entry);
    const int64_t revision = o != nullptr ? as_integer(o->get("revision"), -1) : -1;
    good = revision >= 0 && as_text(o->get("sha256")).size() == kDigest;
    if (good) out.push_back({static_cast<uint64_t>(revision), as_text(o->get("source")), as_text(o->get("sha256"))});
  }
  if (good) return out;
  problem = file_.reject("it names no document");
  return {};
}

bool UnprovenFile::write(const std::vector<Unproven>& documents, FileError& error) {
  JsonArray::Ptr list = new JsonArray;
  for (const Unproven& document : documents) {
    auto o = make_ordered_object();
    o->set("revision", document.revision);
    o->set("source", document.source);
    o->set("sha256", document.digest);
    list->add(o);
  }
  auto o = make_ordered_object();
  o->set("documents", list);
  return file_.write(to_json(Json(o)), error);
}

}  // namespace dtud::config
