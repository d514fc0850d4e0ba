// dtu-sign: makes keys, signs plugin files, and verifies their signatures. docs/formats/plugin-signature.md has the
// format.
#include <Poco/JSON/Object.h>
#include <fcntl.h>
#include <getopt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <keys/ed25519.hpp>
#include <keys/file.hpp>
#include <keys/plugin_signature.hpp>
#include <system_error>
#include <vector>

namespace {

constexpr int kExitOk = 0, kExitNotGood = 1, kExitUsage = 2, kExitFailed = 3;

constexpr char kHelp[] =
    "Usage: dtu-sign keygen KEY\n"
    "       dtu-sign sign --key KEY [--add] FILE...\n"
    "       dtu-sign verify --key PUBLIC [--key PUBLIC]... FILE...\n"
    "Signs plugin files with Ed25519. If board.json has \"plugins\": {\"keys\": [...]}, dtud shows which key signed a\n"
    "file. With \"require_signed\": true dtud opens only files that one of the keys signed.\n\n"
    "  keygen  writes a private key to KEY (mode 0600) and the public key to KEY.pub, both PEM. Prints the public key "
    "as\n"
    "          board.json needs it. Does not overwrite files.\n"
    "  sign    writes FILE.sig beside each FILE. --add keeps the signatures by other keys. Use it while you replace a\n"
    "          key, so that both keys are valid.\n"
    "  verify  prints for each FILE whether one of the keys signed it. PUBLIC: a PEM file, or base64 as in "
    "board.json.\n"
    "\n"
    "  -k, --key KEY   the key\n"
    "  -a, --add       keep the signatures by other keys\n"
    "      --json      print one JSON object per line\n"
    "      --version   print the version and exit\n"
    "  -h, --help      print this help and exit\n\n"
    "Exit status: 0 success, 1 verify found a file that is not signed by a key, 2 wrong usage, 3 failure (the reason\n"
    "is printed).\n"
    "Example: dtu-sign keygen acme.key && dtu-sign sign --key acme.key channel-acme.so\n";

struct Arguments {
  std::vector<std::string> keys, words;
  bool add = false, json = false;
};

using Object = Poco::JSON::Object;

void print(const Object::Ptr& object) {
  object->stringify(std::cout);
  std::cout << "\n";
}

int usage(const std::string& what) {
  std::fprintf(stderr, "dtu-sign: %s; see dtu-sign --help\n", what.c_str());
  return kExitUsage;
}

// Replaced as a whole, so that a reader finds the old signatures or the new ones.
void write_signature(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  bool good = fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  int code = errno;
  if (fd >= 0 && ::close(fd) != 0 && good) good = false, code = errno;
  if (good && ::rename(fresh.c_str(), path.c_str()) == 0) return;
  if (good) code = errno;
  ::unlink(fresh.c_str());
  throw keys::Unusable("cannot write " + path + ": " + std::generic_category().message(code));
}

int keygen(const Arguments& given) {
  if (given.words.size() != 2 || !given.keys.empty()) return usage("keygen takes one word: the file for the key");
  const std::string& path = given.words[1];
  keys::write_pair(path);
  const keys::Key key = keys::read_private(path);
  const std::string text = keys::to_base64(keys::raw_public(key.get()));
  if (given.json) {
    Object::Ptr o = new Object;
    o->set("key", path);
    o->set("public", path + ".pub");
    o->set("id", keys::id_of(key.get()));
    o->set("base64", text);
    print(o);
  } else {
    std::cout << "made " << path << " (keep it safe) and " << path << ".pub, id " << keys::id_of(key.get())
              << "\nboard.json: \"plugins\": {\"keys\": [\"" << text << "\"]}\n";
  }
  return kExitOk;
}

int sign(const Arguments& given) {
  if (given.keys.size() != 1) return usage("sign takes one --key");
  if (given.words.size() < 2) return usage("sign takes the files to sign");
  const keys::Key key = keys::read_private(given.keys[0]);
  for (size_t i = 1; i < given.words.size(); ++i) {
    const std::string& file = given.words[i];
    const std::string sha256 = keys::File(file).digest(EVP_sha256());
    const std::string path = keys::signature_path(file);
    std::string others;
    if (given.add && ::access(path.c_str(), F_OK) == 0)
      others = keys::without_key(keys::File(path).text(4097), keys::id_of(key.get()));
    write_signature(path, others + keys::signature_line(key.get(), sha256));
    if (given.json) {
      Object::Ptr o = new Object;
      o->set("file", file);
      o->set("signature", path);
      o->set("key", keys::id_of(key.get()));
      o->set("sha256", sha256);
      print(o);
    } else {
      std::cout << "signed " << file << " by key " << keys::id_of(key.get()) << ": " << path << "\n";
    }
  }
  return kExitOk;
}

int verify(const Arguments& given) {
  if (given.keys.empty()) return usage("verify takes at least one --key");
  if (given.words.size() < 2) return usage("verify takes the files to verify");
  std::vector<keys::Key> wanted;
  for (const std::string& text : given.keys) wanted.push_back(keys::read_public(text, "--key"));
  int status = kExitOk;
  for (size_t i = 1; i < given.words.size(); ++i) {
    const std::string& file = given.words[i];
    const std::string sha256 = keys::File(file).digest(EVP_sha256());
    const keys::Judgement judgement = keys::judge_file(file, sha256, wanted);
    const bool good = judgement.verdict == keys::Verdict::good;
    if (!good) status = kExitNotGood;
    if (given.json) {
      Object::Ptr o = new Object;
      o->set("file", file);
      o->set("signature", std::string(keys::name_of(judgement.verdict)));
      o->set("key", judgement.key);
      o->set("text", judgement.text);
      o->set("sha256", sha256);
      print(o);
    } else {
      std::cout << file << ": " << (good ? "signed by key " + judgement.key : judgement.text) << "\n";
    }
  }
  return status;
}

// The exit status when it should end at once, else -1.
int parse(int argc, char** argv, Arguments& to) {
  enum { kJson = 256, kVersion };
  static const std::array<option, 6> options{{{"key", required_argument, nullptr, 'k'},
                                              {"add", no_argument, nullptr, 'a'},
                                              {"json", no_argument, nullptr, kJson},
                                              {"version", no_argument, nullptr, kVersion},
                                              {"help", no_argument, nullptr, 'h'},
                                              {nullptr, 0, nullptr, 0}}};
  for (int c = 0; (c = ::getopt_long(argc, argv, "k:ah", options.data(), nullptr)) != -1;) switch (c) {
      case 'k':
        to.keys.emplace_back(optarg);
        break;
      case 'a':
        to.add = true;
        break;
      case kJson:
        to.json = true;
        break;
      case kVersion:
        std::puts("dtu-sign " DTUKIT_VERSION);
        return kExitOk;
      case 'h':
        std::fputs(kHelp, stdout);
        return kExitOk;
      default:
        std::fputs("see dtu-sign --help\n", stderr);
        return kExitUsage;
    }
  to.words.assign(argv + optind, argv + argc);
  return -1;
}

struct Verb {
  const char* name;
  int (*run)(const Arguments&);
};
constexpr Verb kVerbs[] = {{"keygen", keygen}, {"sign", sign}, {"verify", verify}};

}  // namespace

int main(int argc, char** argv) {
  Arguments given;
  try {
    if (const int status = parse(argc, argv, given); status >= 0) return status;
    if (given.words.empty()) return usage("a subcommand is missing: keygen, sign or verify");
    for (const Verb& verb : kVerbs) {
      if (given.words[0] != verb.name) continue;
      const int status = verb.run(given);
      std::cout.flush();
      if (std::cout) return status;
      throw keys::Unusable("standard output cannot be written");
    }
    return usage("\"" + given.words[0] + "\" is none of keygen, sign, verify");
  } catch (const std::exception& e) {
    std::cout.flush();
    std::fprintf(stderr, "dtu-sign: %s\n", e.what());
    return kExitFailed;
  }
}
