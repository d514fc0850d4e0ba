// Paho's two threads, which all its clients share: keeps them, wakes them, and mends what a broken packet left behind.
#pragma once
#include <dtu/kit/port/descriptor.hpp>
#include <string>

namespace mqtt {

// A Paho client that is connected to this process itself.
//  - Destroying the last client of Paho stops its threads, which takes up to a second and races with the next connect.
//    While this one is there, none is the last.
//  - Paho's receiving thread waits up to 1.1 s on the sockets it knew before it notices that a new one has connected.
//    wake() sends a packet to this one, and the thread looks at all of them.
//  - Paho reads all packets into one buffer, and never replaces it after an allocation for a large packet failed: then
//    no client of the process receives anything any more. renew() makes Paho replace it.
class PahoThreads {
 public:
  explicit PahoThreads(const std::string& client_id);
  PahoThreads(const PahoThreads&) = delete;
  PahoThreads& operator=(const PahoThreads&) = delete;
  ~PahoThreads();

  void wake() noexcept;  // [any], but not while another function runs; the others block: for the worker's thread
  void repair();         // connects again if Paho has dropped the connection
  void renew();

 private:
  void connect();
  [[nodiscard]] bool wait_until_read() const;

  const std::string client_id_;
  void* handle_ = nullptr;     // MQTTAsync
  dtu_port::Descriptor peer_;  // the broker's end of its connection
  int paho_end_ = -1;          // the other end, Paho's
};

}  // namespace mqtt
