#include <pthread.h>
#include <signal.h>

#include <mqtt/worker.hpp>
#include <utility>

namespace mqtt {

void Worker::run(std::function<void()> job) {
  join();
  thread_ = std::thread([job = std::move(job)] {
    sigset_t all{};  // signals are the program's business; Paho's threads inherit this mask
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    pthread_setname_np(pthread_self(), "mqtt-connect");
    job();
  });
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace mqtt
