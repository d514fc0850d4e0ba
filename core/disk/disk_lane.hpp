// The thread that waits for the disk, so that no other has to. dtud has one. Jobs run one at a time, in the order in
// which they were given, so the order of two writes is the order of their run() calls.
//
//   disk.run(asker, [file, text] { return write(file, text); },     // on the disk lane
//            [this](bool written) { ... });                        // on the main lane, later
//
// - The job gets copies of what it needs, or shares it (std::shared_ptr): it may run after the asker is gone. It must
//   not touch what another thread uses, and it must not throw.
// - `asker` expires with whoever asked. `then` is not called if `asker` has expired by then. The job is done all the
//   same: a change that was ordered is not forgotten because nobody waits for the answer.
// - `then` is never called within run(). Results come in the order of the jobs.
// - There is no bound on waiting jobs: whoever can be flooded (kv, audit) counts its own and refuses more.
// - A job cannot be cancelled, and a disk that hangs holds up all jobs. Who must not wait for ever arms a timer.
//
// run() may be called from any thread. The thread begins with the first job.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "lanes/lane.hpp"

namespace dtud {

class DiskLane {
 public:
  // main: where results are delivered. It must not be destroyed before the DiskLane.
  explicit DiskLane(Lane& main) : main_(main) {}
  ~DiskLane();  // waits until the jobs that were given are done; nobody may call run() any more
  DiskLane(const DiskLane&) = delete;
  DiskLane& operator=(const DiskLane&) = delete;

  // Runs job() on the disk lane, then then(its result) on the main lane.
  template <typename Job, typename Then>
  void run(std::weak_ptr<void> asker, Job job, Then then) {
    run_for(main_, std::move(asker), std::move(job), std::move(then));
  }
  // The same with the result delivered on the lane `to`, which must not be destroyed before the job is done.
  template <typename Job, typename Then>
  void run_for(Lane& to, std::weak_ptr<void> asker, Job job, Then then) {
    lane().post([&to, asker = std::move(asker), job = std::move(job), then = std::move(then)]() mutable {
      auto result = std::make_shared<decltype(job())>(job());
      to.post([asker = std::move(asker), result, then = std::move(then)]() mutable {
        if (!asker.expired()) then(std::move(*result));
      });
    });
  }

 private:
  Lane& lane();  // begins the thread

  Lane& main_;
  std::once_flag begun_;
  std::unique_ptr<Lane> lane_;
  std::thread thread_;
};

}  // namespace dtud
