#include "verify.hpp"

#include <sys/mman.h>

#include <Poco/JSON/Array.h>
#include <keys/ed25519.hpp>
#include <keys/file.hpp>

namespace dtu_fetch {
namespace {

// What a broken connection leaves is mended by going on; what does not fit in the end is fetched once more.
void compare(const char* what, const std::string& wanted, const std::string& found) {
  if (wanted != found) throw Failed{std::string(what) + " is " + found + ", the order says " + wanted, false, true};
}

std::string signature_in(const Object& job) {
  std::string text = job.optValue<std::string>("signature", "");
  if (text.empty() && job.has("signature_file"))
    text = keys::File(job.getValue<std::string>("signature_file"), false).text(65536);
  if (text.empty()) throw Failed{"a signature is required (upgrade.keys of board.json) but missing"};
  std::string signature = keys::read_signature(text);
  if (signature.empty())
    throw Failed{"the signature is not the 64 bytes of an Ed25519 signature, nor their base64", false,
                 job.has("signature_file")};
  return signature;
}

void check_signature(const Object& job, const Poco::JSON::Array& wanted, const keys::File& file) {
  const std::string signature = signature_in(job);
  void* bytes = file.size() == 0 ? nullptr : ::mmap(nullptr, file.size(), PROT_READ, MAP_PRIVATE, file.fd(), 0);
  if (bytes == MAP_FAILED) file.fail();
  bool good = false;
  for (unsigned i = 0; i < wanted.size() && !good; ++i)
    good = keys::verifies(keys::read_public(wanted.getElement<std::string>(i), "upgrade.keys").get(), signature,
                          static_cast<const unsigned char*>(bytes), file.size());
  if (bytes != nullptr) ::munmap(bytes, file.size());
  // The order's own signature of the very file it names by its digest: no other file will come.
  const bool hopeless = job.has("signature") && !job.optValue<std::string>("sha256", "").empty();
  if (!good) throw Failed{"no key of board.json made this signature for this file", false, !hopeless};
}

}  // namespace

void verify(const Object& job) {
  bool opened = false;
  try {
    const keys::File file(job.getValue<std::string>("file"), false);
    opened = true;
    const auto size = job.optValue<uint64_t>("size", 0);
    const auto sha256 = job.optValue<std::string>("sha256", ""), md5 = job.optValue<std::string>("md5", "");
    const Poco::JSON::Array::Ptr signers = job.getArray("keys");
    Poco::JSON::Array::Ptr checked = new Poco::JSON::Array;
    if (size != 0 && size != file.size())
      throw Failed{"it has " + std::to_string(file.size()) + " bytes, the order says " + std::to_string(size), false,
                   true};
    const std::string digest = file.digest(EVP_sha256());
    if (!sha256.empty()) {
      compare("its SHA-256", sha256, digest);
      checked->add(std::string("sha256"));
    }
    if (!md5.empty()) {
      compare("its MD5", md5, file.digest(EVP_md5()));
      checked->add(std::string("md5"));
    }
    if (signers && signers->size() != 0) {
      check_signature(job, *signers, file);
      checked->add(std::string("signature"));
    }
    Object::Ptr o = line("done");
    o->set("size", file.size());
    o->set("sha256", digest);
    o->set("checked", checked);
    tell(o);
  } catch (const Failed& f) {
    tell(f);
  } catch (const keys::Unusable& e) {
    tell(Failed{e.what(), false, !opened});
  }
}

}  // namespace dtu_fetch
