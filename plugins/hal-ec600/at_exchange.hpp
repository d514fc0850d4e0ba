// One exchange with an AT modem: what is sent, which lines are its answer, and what came of it.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hal_ec600 {

enum class AtEnd { ok, error, cme, cms, timeout, restarted, gone };

struct AtResult {
  AtEnd end = AtEnd::ok;
  int code = -1;                   // of cme and cms; -1: the modem gave a text without a number
  std::string text;                // what went wrong, with the command's name; "" when nothing. Never an argument
  std::vector<std::string> lines;  // that have one of the forms, and their followers; in order; may be doubled
  std::string data;                // counted, see AtExchange::counted
  std::string final;               // the line that ended it: "OK", "SEND FAIL", "+CME ERROR: 14"; "" when none did
  bool handed_over = false;        // the prompt came, so the bytes behind it are with the modem
  bool cut = false;                // there were more lines than kMostLines, or more than kMostBytes
  [[nodiscard]] bool ok() const noexcept { return end == AtEnd::ok; }
  // The last line that begins so, "" when none does: what came last is newest.
  [[nodiscard]] std::string_view line(std::string_view begin) const noexcept;
};

struct AtForm {
  std::string form;           // see at_has_form()
  std::string follower = {};  // "": none; else the form of the line behind it: {"+CMGR: *", "h"}
  bool may_lack = false;      // OK without such a line is an answer too ("AT+CNUM" without a number)
};
struct AtPrompt {          // awaited 10 s at most: it comes from the modem itself, not from the network
  std::string bytes;       // sent when the modem asks with > or CONNECT
  bool end_with_z = true;  // 1A behind them
};
struct AtCounted {
  std::string form;     // "+QIRD: n,*": the line whose number says how many bytes come behind it
  size_t field = 0;     // which field
  size_t most = 1'500;  // more is an answer that cannot be right: the exchange fails, nothing is taken as data
};

struct AtExchange {
  std::string command;             // "AT+CSQ"; without a line end, up to kLongestCommand bytes, printable
  std::vector<AtForm> forms = {};  // of its information lines; an OK before the first of them is not its OK
  uint32_t timeout_ms = 0;         // 0: the vendor's, see at_timeout_ms()
  std::optional<AtPrompt> prompt = {};
  std::optional<AtCounted> counted = {};
  std::vector<std::pair<std::string, AtEnd>> ends =
      {};                         // final lines besides OK and ERROR: {"SEND FAIL", AtEnd::error}
  uint32_t sim_busy_ms = 30'000;  // "SIM busy" is asked again every second for so long (A9); 0: it is an answer
  bool rescue = false;            // runs also in `unproved`
  std::function<void(const AtResult&)> done = {};  // called once, unless cancelled; may submit and cancel
};

}  // namespace hal_ec600
