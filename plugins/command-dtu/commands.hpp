// The commands behind the function codes (D1), made of points and kernel commands.
#pragma once
#include <dtu/sdk/component.hpp>

#include <memory>
#include <unordered_map>
#include <vector>

#include "asker.hpp"
#include "diagnosis.hpp"

namespace command_dtu {

class Commands;

// One command being carried out. Answers once, by answer() or fail(), and is gone then. What it invokes is asked for
// whoever called it, with the rights of that one.
class Call {
 public:
  using Then = std::function<void(const Reply&)>;

  Call(Commands& commands, uint64_t id, std::string_view args) : commands_(commands), id_(id), args_(args) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call();

  [[nodiscard]] const std::string& args() const { return args_; }
  [[nodiscard]] const Diagnosis& diagnosis() const;
  void each_point(std::string_view prefix, const std::function<void(const dtu_point_info&)>& each) const;

  // A point the board may not have; `then` sees the failure.
  void try_read(const std::string& point, Then then);
  void try_invoke(std::string_view command, std::string_view args, Then then);
  // What everybody may know, out of what needs the password: asked by this plugin for itself.
  void look_up(std::string_view command, Then then);
  // The same for what the command cannot do without: a failure is its answer, `then` sees success only.
  void read(const std::string& point, Then then);
  void invoke(std::string_view command, std::string_view args, Then then);

  void answer(std::string_view json);
  // Answers before the command is carried out. When it is refused, that is the answer.
  void answer_then(std::string_view json, std::string_view command);
  void fail(dtu_status status, std::string_view text, uint32_t protocol_code = 0);

 private:
  Commands& commands_;
  const uint64_t id_;
  const std::string args_;
};

struct CommandRow {
  const char* name;
  const char* title;
  std::vector<uint32_t> codes;  // the decimal numbering of seed 001, then the hexadecimal one of seed 000
  uint32_t flags;               // DTU_COMMAND_...
  void (*run)(Call&);
  const char* args_schema;
};
[[nodiscard]] const std::vector<CommandRow>& command_rows();

class Commands {
 public:
  Commands(dtu::Host host, Asker& asker, const Diagnosis& diagnosis)
      : host_(host), asker_(asker), diagnosis_(diagnosis) {}

  static void list(const dtu::CommandsIface::Each& each);
  dtu_status invoke(uint64_t id, std::string_view name, std::string_view args);
  void cancel(uint64_t id) { calls_.erase(id); }
  [[nodiscard]] size_t running() const noexcept { return calls_.size(); }

 private:
  friend class Call;
  dtu::Host host_;
  Asker& asker_;
  const Diagnosis& diagnosis_;
  std::unordered_map<uint64_t, std::unique_ptr<Call>> calls_;
};

}  // namespace command_dtu
