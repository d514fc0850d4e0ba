// Who signed a plugin file: dtu-sign makes it, the probe judges it, and without it nothing of the file runs.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <keys/plugin_signature.hpp>

#include "folder.hpp"
#include "plugins/loader/vetting.hpp"

namespace dtud::plugins {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using End = Probed::End;

struct Ran {
  int status = -1;
  std::string output;
};
Ran run(const std::string& command) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen((command + " 2>&1").c_str(), "re"), ::pclose);
  Ran ran;
  std::array<char, 4096> bytes{};
  for (size_t n = 0; (n = std::fread(bytes.data(), 1, bytes.size(), pipe.get())) > 0;)
    ran.output.append(bytes.data(), n);
  const int status = ::pclose(const_cast<std::unique_ptr<std::FILE, int (*)(std::FILE*)>&>(pipe).release());
  ran.status = WEXITSTATUS(status);
  return ran;
}
Ran dtu_sign(const std::string& words) { return run(std::string(DTU_SIGN) + " " + words); }

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct SignatureTest : testing::Test {
  Folder folder;
  fs::path file = folder.fixture("ctor_marker"), marker = folder.path() / "ran";
  std::string ours = key("ours"), theirs = key("theirs");

  [[nodiscard]] std::string at(const std::string& name) const { return (folder.path() / name).string(); }
  // Makes a key; what board.json takes: the path of its public half.
  [[nodiscard]] std::string key(const std::string& name) const {
    EXPECT_EQ(dtu_sign("keygen " + at(name)).status, 0);
    return at(name) + ".pub";
  }
  void sign(const std::string& name, const fs::path& what, const std::string& more = "") const {
    const Ran ran = dtu_sign("sign --key " + at(name) + " " + more + " " + what.string());
    ASSERT_EQ(ran.status, 0) << ran.output;
  }
  // A probe that wants a signature by one of the keys. Whether the file's constructor ran is checked besides.
  [[nodiscard]] Probed ask(const std::vector<std::string>& keys, bool require = true) const {
    fs::remove(marker);
    setenv("DTU_FIXTURE_MARKER", marker.c_str(), 1);
    const Probed p = probe(DTU_PLUGIN_PROBE, {file, keys, require, {}, false}, ProbeLimits{});
    unsetenv("DTU_FIXTURE_MARKER");
    EXPECT_EQ(fs::exists(marker), p.end == End::good) << p.text;
    return p;
  }
};

TEST_F(SignatureTest, SignedByOneOfOurKeys) {
  sign("ours", file);
  const Probed p = ask({theirs, ours});
  EXPECT_EQ(p.end, End::good) << p.text;
  EXPECT_EQ(p.signature.state, "good");
  EXPECT_EQ(p.signature.key.size(), 16U);
}

TEST_F(SignatureTest, TheKeyAsBase64) {
  const Ran made = dtu_sign("--json keygen " + at("third"));
  const size_t begin = made.output.find("\"base64\":\"") + 10;
  const std::string base64 = made.output.substr(begin, 44);
  sign("third", file);
  EXPECT_EQ(ask({base64}).end, End::good);
}

TEST_F(SignatureTest, UnsignedIsRefusedAndNotRun) {
  const Probed p = ask({ours});
  EXPECT_EQ(p.end, End::refused);
  EXPECT_THAT(p.text, HasSubstr(file.string() + ": it is not signed: there is no " + file.string() + ".sig"));
  EXPECT_EQ(ask({ours}, false).end, End::good);
  EXPECT_EQ(ask({ours}, false).signature.state, "none");
  EXPECT_EQ(ask({}, false).signature.state, "");
  EXPECT_THAT(ask({}).text, HasSubstr("no key in plugins.keys"));
}

TEST_F(SignatureTest, AnotherKey) {
  sign("theirs", file);
  EXPECT_EQ(ask({ours}).signature.state, "unknown");
  EXPECT_THAT(ask({ours}).text, HasSubstr("which is not an allowed key"));
}

TEST_F(SignatureTest, ATamperedFile) {
  sign("ours", file);
  { std::ofstream(file, std::ios::binary | std::ios::app) << "x"; }
  const Probed p = ask({ours});
  EXPECT_EQ(p.end, End::refused);
  EXPECT_EQ(p.signature.state, "bad");
  EXPECT_THAT(p.text, HasSubstr("is wrong"));
}

TEST_F(SignatureTest, ATamperedOrTruncatedSignature) {
  sign("ours", file);
  const fs::path sig = file.string() + ".sig";
  const std::string good = read(sig);
  ASSERT_EQ(ask({ours}).end, End::good);
  for (size_t cut = 0; cut + 1 < good.size(); cut += 7) {
    { std::ofstream(sig, std::ios::binary) << good.substr(0, cut); }
    EXPECT_EQ(ask({ours}).signature.state, "bad") << cut;
  }
  const size_t base64 = good.rfind(' ') + 1;
  for (const size_t place : {base64, base64 + 20, base64 + 60}) {
    std::string bad = good;
    bad[place] = bad[place] == 'A' ? 'B' : 'A';
    { std::ofstream(sig, std::ios::binary) << bad; }
    EXPECT_EQ(ask({ours}).signature.state, "bad") << place;
  }
  { std::ofstream(sig, std::ios::binary) << good << "and more\n"; }
  EXPECT_EQ(ask({ours}).signature.state, "bad");
  fs::remove(sig);
  fs::create_directory(sig);
  EXPECT_EQ(ask({ours}).signature.state, "bad");
}

TEST_F(SignatureTest, TheSignatureOfAnotherFile) {
  const fs::path other = folder.fixture("pure_c");
  sign("ours", other);
  fs::copy_file(other.string() + ".sig", file.string() + ".sig");
  EXPECT_EQ(ask({ours}).signature.state, "bad");
}

TEST_F(SignatureTest, ASignatureGivenForSomethingElseIsWorthNothing) {
  // Ed25519 over the file itself, as an upgrade's is, or over its bare digest.
  const keys::Key key = keys::read_private(at("ours"));
  const std::string sha256 = probe(DTU_PLUGIN_PROBE, {file, {}, false, {}, false}, ProbeLimits{}).sha256;
  for (const std::string& message : {read(file), sha256, sha256 + "\n"}) {
    std::ofstream(file.string() + ".sig") << "dtukit-plugin-signature-1 " << keys::id_of(key.get()) << " "
                                          << keys::to_base64(keys::sign(key.get(), message)) << "\n";
    EXPECT_EQ(ask({ours}).signature.state, "bad");
  }
}

TEST_F(SignatureTest, AKeyIsRotated) {
  sign("ours", file);
  sign("theirs", file, "--add");
  EXPECT_EQ(ask({ours}).end, End::good);
  EXPECT_EQ(ask({theirs}).end, End::good);
  sign("theirs", file);  // the old key's signature goes
  EXPECT_EQ(ask({ours}).end, End::refused);
  EXPECT_EQ(ask({theirs}).end, End::good);
}

TEST_F(SignatureTest, AKeyThatIsNoneIsNamed) {
  sign("ours", file);
  EXPECT_THAT(ask({"/nowhere/key.pem"}).text,
              HasSubstr("plugins.keys: \"/nowhere/key.pem\" is neither an Ed25519 public key"));
}

TEST_F(SignatureTest, WhatWasFoundEndsWithTheSignatureOrTheKey) {
  sign("ours", file);
  const Vetting::Setup setup{DTU_PLUGIN_PROBE, at("state/plugins"), {ours}, true, "1.0", false, {}};
  Vetting vetting(setup, [](const std::string&) {});
  vetting.begin();
  EXPECT_EQ(vetting.vet(file).refusal, "");
  fs::remove(file.string() + ".sig");
  EXPECT_THAT(vetting.vet(file).refusal, HasSubstr("it is not signed"));
  sign("ours", file);
  EXPECT_EQ(vetting.vet(file).refusal, "");
  fs::copy_file(theirs, ours, fs::copy_options::overwrite_existing);
  EXPECT_THAT(vetting.vet(file).refusal, HasSubstr("which is not an allowed key"));
}

TEST_F(SignatureTest, OpenSslAgrees) {
  sign("ours", file);
  const std::string line = read(file.string() + ".sig");
  { std::ofstream(at("sig.b64")) << line.substr(line.rfind(' ') + 1); }
  const Ran ran =
      run("cd " + folder.path().string() + " && printf 'dtukit-plugin-signature-1\\n%s\\n' \"$(sha256sum < " +
          file.string() + " | cut -d' ' -f1)\" > message && base64 -d sig.b64 > sig.raw && " +
          "openssl pkeyutl -verify -rawin -pubin -inkey ours.pub -in message -sigfile sig.raw");
  EXPECT_EQ(ran.status, 0) << ran.output;
}

TEST_F(SignatureTest, KeysOfOpenSslAreTaken) {
  ASSERT_EQ(run("openssl genpkey -algorithm ed25519 -out " + at("o.key") + " && chmod 600 " + at("o.key") +
                " && openssl pkey -in " + at("o.key") + " -pubout -out " + at("o.pub"))
                .status,
            0);
  sign("o.key", file);
  EXPECT_EQ(ask({at("o.pub")}).end, End::good);
  EXPECT_EQ(dtu_sign("verify --key " + at("o.pub") + " " + file.string()).status, 0);
}

TEST_F(SignatureTest, TheToolItself) {
  struct stat st = {};
  ASSERT_EQ(stat(at("ours").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777U, 0600U);
  Ran ran = dtu_sign("keygen " + at("ours"));
  EXPECT_EQ(ran.status, 3);
  EXPECT_THAT(ran.output, HasSubstr("exists already: name another file"));
  sign("ours", file);
  ran = dtu_sign("verify --json --key " + ours + " " + file.string());
  EXPECT_EQ(ran.status, 0);
  EXPECT_THAT(ran.output, HasSubstr("\"signature\":\"good\""));
  ran = dtu_sign("verify --key " + theirs + " " + file.string());
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.output, HasSubstr("which is not an allowed key"));
  ASSERT_EQ(chmod(at("ours").c_str(), 0644), 0);
  ran = dtu_sign("sign --key " + at("ours") + " " + file.string());
  EXPECT_EQ(ran.status, 3);
  EXPECT_THAT(ran.output, HasSubstr("chmod 600"));
  for (const char* wrong : {"", "sign", "sign x", "verify x", "keygen", "nonsense x", "--what"})
    EXPECT_EQ(dtu_sign(wrong).status, 2) << wrong;
}

}  // namespace
}  // namespace dtud::plugins
