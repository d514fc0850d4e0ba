// AT+QIOPEN to AT+QIGETERROR. A socket to 127.0.0.1 or localhost is a real TCP connection; any other address is
// answered from inside: what is sent there comes back. Nothing ever leaves this machine.
#include "sockets.hpp"

#include <algorithm>
#include <stdexcept>

#include "table.hpp"

namespace sim::modem {
namespace {

constexpr int kMostSockets = 12;
constexpr int kMostContexts = 7;
constexpr int kMostPort = 65535;
constexpr int kMostAtOnce = 1460;
constexpr int kMostRead = 1500;
constexpr size_t kMostReceived = 64 * 1024;  // a real module has less; more is counted as lost by closing
constexpr int64_t kOpenMs = 10;

constexpr int kBadParameters = 552;
constexpr int kNotSupported = 555;
constexpr int kNoContext = 561;
constexpr int kInUse = 563;
constexpr int kConnectFailed = 566;
constexpr int kClosed = 567;

void fail(Modem& modem, int error, Answer& answer) {
  modem.state().socket_error = error;
  answer.error();
}

bool is_here(const std::string& host) { return host == "127.0.0.1" || host == "localhost"; }

void opened(Modem& modem, int id) {
  auto& sockets = modem.state().sockets;
  const auto found = sockets.find(id);
  if (found == sockets.end()) return;
  Socket& socket = found->second;
  int error = 0;
  if (is_here(socket.host)) {
    socket.peer = std::make_unique<Line>(LineSettings{"", "", socket.host + ":" + std::to_string(socket.port)});
    if (!socket.peer->open()) error = kConnectFailed;
  }
  socket.state = SocketState::connected;
  modem.state().socket_error = error;
  if (error != 0) sockets.erase(found);
  modem.urc("+QIOPEN: " + std::to_string(id) + "," + std::to_string(error));
}

void open(Modem& modem, const Call& call, Answer& answer) {
  const auto context = call.number(0, 1, kMostContexts);
  const auto id = call.number(1, 0, kMostSockets - 1);
  const auto port = call.number(4, 1, kMostPort);
  const auto local = call.number(5, 0, kMostPort, 0);
  const auto access = call.number(6, 0, 2, 0);
  const std::string& service = call.text(2);
  if (!context || !id || !port || !local || !access || call.text(3).empty()) return fail(modem, kBadParameters, answer);
  if ((service != "TCP" && service != "UDP") || *access == 2) return fail(modem, kNotSupported, answer);
  if (!modem.state().contexts[*context].active) return fail(modem, kNoContext, answer);
  if (modem.state().sockets.count(*id) != 0) return fail(modem, kInUse, answer);
  Socket socket;
  socket.context = *context;
  socket.service = service;
  socket.host = call.text(3);
  socket.port = *port;
  socket.local_port = *local;
  socket.access = *access;
  modem.state().sockets.emplace(*id, std::move(socket));
  answer.after(kOpenMs, [id = *id](Modem& m) { opened(m, id); });
}

Socket* connected(Modem& modem, const std::optional<int>& id) {
  const auto found = modem.state().sockets.find(id.value_or(-1));
  if (found == modem.state().sockets.end() || found->second.state != SocketState::connected) return nullptr;
  return &found->second;
}

void send_bytes(Modem& modem, int id, const std::string& bytes, Answer& answer) {
  Socket* socket = connected(modem, id);
  answer.result = Result::silent;
  const bool here = socket != nullptr && socket->peer;
  if (socket == nullptr || (here && socket->peer->write(bytes) != bytes.size()))
    return answer.after(0, [](Modem& m) { m.send_raw("\r\nSEND FAIL\r\n"); });
  socket->sent += bytes.size();
  answer.after(0, [](Modem& m) { m.send_raw("\r\nSEND OK\r\n"); });
  if (!here) answer.after(1, [id, bytes](Modem& m) { socket_received(m, id, bytes); });
}

void send(Modem& modem, const Call& call, Answer& answer) {
  const auto id = call.number(0, 0, kMostSockets - 1);
  const auto count = call.number(1, 0, kMostAtOnce, -1);
  Socket* socket = connected(modem, id);
  if (!count || socket == nullptr) return fail(modem, count ? kClosed : kBadParameters, answer);
  if (*count == 0) {
    const std::string total = std::to_string(socket->sent);
    return answer.line("+QISEND: " + total + "," + total + ",0");
  }
  answer.result = Result::prompt;
  modem.take_data(*count < 0 ? 0 : static_cast<size_t>(*count),
                  [id = *id](Modem& m, const std::string& bytes, bool aborted) {
                    Answer result;
                    if (!aborted) send_bytes(m, id, bytes, result);
                    m.finish(std::move(result));
                  });
}

void read(Modem& modem, const Call& call, Answer& answer) {
  const auto id = call.number(0, 0, kMostSockets - 1);
  const auto most = call.number(1, 0, kMostRead, kMostRead);
  Socket* socket = connected(modem, id);
  if (!most || socket == nullptr) return fail(modem, most ? kClosed : kBadParameters, answer);
  if (*most == 0) return answer.line("+QIRD: 0,0," + std::to_string(socket->received.size()));
  const size_t count = std::min(socket->received.size(), static_cast<size_t>(*most));
  answer.line("+QIRD: " + std::to_string(count));
  if (count > 0) answer.line(socket->received.substr(0, count));
  socket->received.erase(0, count);
  if (socket->received.empty()) socket->announced = false;
}

void close(Modem& modem, const Call& call, Answer& answer) {
  const auto id = call.number(0, 0, kMostSockets - 1);
  if (!id) return fail(modem, kBadParameters, answer);
  modem.state().sockets.erase(*id);
}

void print_state(Modem& /*modem*/, int id, const Socket& socket, Answer& answer) {
  answer.line("+QISTATE: " + std::to_string(id) + ",\"" + socket.service + "\",\"" + socket.host + "\"," +
              std::to_string(socket.port) + "," + std::to_string(socket.local_port) + "," +
              std::to_string(static_cast<int>(socket.state)) + "," + std::to_string(socket.context) + "," +
              std::to_string(id) + "," + std::to_string(socket.access) + ",\"uart1\"");
}

void states(Modem& modem, const Call& call, Answer& answer) {
  const bool one = call.form == Form::set && call.text(0) == "1";
  for (const auto& [id, socket] : modem.state().sockets)
    if (!one || call.number(1, 0, kMostSockets - 1) == id) print_state(modem, id, socket, answer);
}

void last_error(Modem& modem, const Call& /*call*/, Answer& answer) {
  const int error = modem.state().socket_error;
  answer.line("+QIGETERROR: " + std::to_string(error) + "," + socket_error_text(error));
}

void look_up(Modem& modem, const Call& call, Answer& answer) {
  if (call.text(1).empty() || !modem.state().contexts[call.number(0, 1, kMostContexts).value_or(1)].active)
    return fail(modem, kNoContext, answer);
  const std::string host = call.text(1) == "localhost" ? "127.0.0.1" : "192.0.2.7";
  answer.after(kOpenMs, [host](Modem& m) {
    m.urc("+QIURC: \"dnsgip\",0,1,600");
    m.urc("+QIURC: \"dnsgip\",\"" + host + "\"");
  });
}

}  // namespace

void socket_received(Modem& modem, int id, std::string_view bytes) {
  Socket* socket = connected(modem, id);
  if (socket == nullptr || bytes.empty()) return;
  const std::string head = "+QIURC: \"recv\"," + std::to_string(id);
  if (socket->access == 1) return modem.urc(head + "," + std::to_string(bytes.size()) + "\r\n" + std::string(bytes));
  if (socket->received.size() + bytes.size() > kMostReceived) return socket_closed(modem, id);
  socket->received += bytes;
  if (!std::exchange(socket->announced, true)) modem.urc(head);
}

void socket_closed(Modem& modem, int id) {
  Socket* socket = connected(modem, id);
  if (socket == nullptr) return;
  socket->state = SocketState::closing;
  socket->peer.reset();
  modem.urc("+QIURC: \"closed\"," + std::to_string(id));
}

void drop_context(Modem& modem, int context) {
  const auto found = modem.state().contexts.find(context);
  if (found == modem.state().contexts.end() || !std::exchange(found->second.active, false)) return;
  modem.urc("+QIURC: \"pdpdeact\"," + std::to_string(context));
  for (auto& [id, socket] : modem.state().sockets)
    if (socket.context == context) socket.state = SocketState::closing, socket.peer.reset();
}

void Modem::read_sockets() {
  std::vector<int> closed;
  for (auto& [id, socket] : state_.sockets) {
    if (!socket.peer || socket.received.size() >= kMostReceived / 2) continue;  // TCP itself holds the rest back
    const std::string bytes = socket.peer->read();
    socket_received(*this, id, bytes);
    if (socket.peer && !socket.peer->is_open()) closed.push_back(id);
  }
  for (const int id : closed) socket_closed(*this, id);
}

const std::vector<AtCommand>& socket_commands() {
  static const std::vector<AtCommand> table{
      {"+QIOPEN", kEvery, Need::nothing, "+QIOPEN: (1-7),(0-11),\"TCP/UDP\",\"<IP>/<domain>\",<port>,<port>,(0-2)",
       nullptr, nullptr, open},
      {"+QISEND", kEvery, Need::nothing, "+QISEND: (0-11),(0-1460)", nullptr, nullptr, send},
      {"+QIRD", kEvery, Need::nothing, "+QIRD: (0-11),(0-1500)", nullptr, nullptr, read},
      {"+QICLOSE", kEvery, Need::nothing, "+QICLOSE: (0-11),(0-65535)", nullptr, nullptr, close},
      {"+QISTATE", kEvery, Need::nothing, "+QISTATE: (0,1)", states, states, states},
      {"+QIGETERROR", kEvery, Need::nothing, "", last_error, nullptr, nullptr},
      {"+QIDNSGIP", kEvery, Need::nothing, "+QIDNSGIP: (1-7),<host>", nullptr, nullptr, look_up},
  };
  return table;
}

}  // namespace sim::modem
