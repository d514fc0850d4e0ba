#include "handled.hpp"

#include <dtu/sdk/sha256.hpp>

#include <algorithm>
#include <utility>

namespace hal_ec600::sms {
namespace {

constexpr size_t kDigits = 32;  // of a digest; enough that nobody makes a second message with the same ones
constexpr const char *kToldKey = "sms.told", *kRunKey = "sms.run";

bool has(const std::deque<std::string>& all, const std::string& digest) {
  return std::find(all.begin(), all.end(), digest) != all.end();
}

void add(std::deque<std::string>& all, const std::string& digest, size_t most) {
  all.push_back(digest);
  while (all.size() > most) all.pop_front();
}

// One behind the other, each kDigits long.
std::string joined(const std::deque<std::string>& all) {
  std::string out;
  for (const std::string& digest : all) out += digest;
  return out;
}

std::deque<std::string> split(const std::string& text, size_t most) {
  std::deque<std::string> out;
  for (size_t at = 0; at + kDigits <= text.size(); at += kDigits) add(out, text.substr(at, kDigits), most);
  return out;
}

}  // namespace

Handled::Handled(dtu::Host host) : host_(host) {
  if (host.service<dtu_kv_service>(DTU_KV_SERVICE) == nullptr) return;
  kept_.emplace(host);
  told_ = split(kept_->get(kToldKey).value_or(""), kMostTold);
  run_ = split(kept_->get(kRunKey).value_or(""), kMostRun);
}

bool Handled::was_told(const Slot& slot) const { return has(told_, slot.digest.substr(0, kDigits)); }

void Handled::note_told(const Slot& slot) {
  add(told_, slot.digest.substr(0, kDigits), kMostTold);
  unsaved_ = true;
}

void Handled::save_told() {
  if (std::exchange(unsaved_, false) && kept_) (void)kept_->set(kToldKey, joined(told_));
}

std::string Handled::digest_of(const std::vector<Slot>& slots) {
  std::vector<std::string> digests;
  for (const Slot& slot : slots) digests.push_back(slot.digest);
  std::sort(digests.begin(), digests.end());
  dtu::Sha256 hash;
  for (const std::string& digest : digests) hash.update(digest);
  return hash.hex().substr(0, kDigits);
}

bool Handled::was_run(const std::string& digest) const { return has(run_, digest); }

void Handled::note_run(const std::string& digest, std::function<void(const std::string& trouble)> kept) {
  add(run_, digest, kMostRun);
  if (!kept_) return kept("this host keeps nothing, so it could run again after every start");
  constexpr const char* kNotKept =
      "that it was run cannot be kept on the disk, so it could run again after every start";
  const bool taken = kept_->set(kRunKey, joined(run_),
                                [kept](dtu_status status) { kept(status == DTU_OK ? std::string() : kNotKept); });
  if (!taken) kept(kNotKept);
}

}  // namespace hal_ec600::sms
