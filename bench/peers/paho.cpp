// bench-paho DEVICE PORT TOPIC QOS INFLIGHT: lines of a serial port published by the bare Paho MQTT C asynchronous
// client. What a gateway on this library cannot beat by much, and should not fall behind by much either.
#include <MQTTAsync.h>
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

namespace {

struct Connected {
  std::mutex mutex;
  std::condition_variable changed;
  int state = 0;  // 1 up, -1 refused
};

void set(void* context, int state) {
  auto* connected = static_cast<Connected*>(context);
  const std::lock_guard<std::mutex> lock(connected->mutex);
  connected->state = state;
  connected->changed.notify_one();
}
void on_connected(void* context, MQTTAsync_successData* /*data*/) { set(context, 1); }
void on_refused(void* context, MQTTAsync_failureData* /*data*/) { set(context, -1); }
int on_message(void* /*context*/, char* topic, int /*length*/, MQTTAsync_message* message) {
  MQTTAsync_freeMessage(&message);
  MQTTAsync_free(topic);
  return 1;
}

bool connect(MQTTAsync client, int inflight) {
  Connected connected;
  MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
  options.keepAliveInterval = 60;
  options.cleansession = 1;
  options.maxInflight = inflight;
  options.onSuccess = on_connected;
  options.onFailure = on_refused;
  options.context = &connected;
  if (MQTTAsync_connect(client, &options) != MQTTASYNC_SUCCESS) return false;
  std::unique_lock<std::mutex> lock(connected.mutex);
  connected.changed.wait_for(lock, std::chrono::seconds(5), [&] { return connected.state != 0; });
  return connected.state == 1;
}

// Publishes every whole line in `text` and keeps the rest.
bool publish_lines(MQTTAsync client, const char* topic, int qos, std::string& text) {
  size_t at = 0;
  for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', at)) {
    const auto length = static_cast<int>(end + 1 - at);
    if (MQTTAsync_send(client, topic, length, &text[at], qos, 0, nullptr) != MQTTASYNC_SUCCESS) return false;
    at = end + 1;
  }
  text.erase(0, at);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return std::fprintf(stderr, "usage: bench-paho DEVICE PORT TOPIC QOS INFLIGHT\n"), 2;
  const int serial = open(argv[1], O_RDONLY | O_NOCTTY | O_CLOEXEC);
  const std::string url = std::string("tcp://127.0.0.1:") + argv[2];
  const int qos = static_cast<int>(std::strtol(argv[4], nullptr, 10));
  MQTTAsync client = nullptr;
  MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
  create.maxBufferedMessages = 100000;
  if (serial < 0 || MQTTAsync_createWithOptions(&client, url.c_str(), "bench-paho", MQTTCLIENT_PERSISTENCE_NONE,
                                                nullptr, &create) != MQTTASYNC_SUCCESS)
    return std::fprintf(stderr, "bench-paho: cannot open %s or create the client\n", argv[1]), 1;
  MQTTAsync_setCallbacks(client, nullptr, nullptr, on_message, nullptr);
  if (!connect(client, static_cast<int>(std::strtol(argv[5], nullptr, 10))))
    return std::fprintf(stderr, "bench-paho: no broker at %s\n", url.c_str()), 1;

  std::string text;
  char buffer[65536];
  for (;;) {
    const ssize_t got = read(serial, buffer, sizeof buffer);
    if (got <= 0) return 0;
    text.append(buffer, static_cast<size_t>(got));
    if (!publish_lines(client, argv[3], qos, text)) return std::fprintf(stderr, "bench-paho: publish refused\n"), 1;
  }
}
