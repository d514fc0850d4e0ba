// Who waits for a point to change.
#pragma once
#include <dtu/sdk/host.hpp>

#include <string>
#include <vector>

namespace hal_sim {

class Awaits {
 public:
  explicit Awaits(dtu::Host host) : host_(host) {}
  void add(uint64_t call, std::string name, std::string json);  // throws DTU_E_IO when too many wait
  void cancel(uint64_t call);
  void changed(const std::string& name, const std::string& json);
  void end();  // answers everybody that the board is gone

 private:
  struct Await {
    uint64_t call;
    std::string name, json;
  };
  dtu::Host host_;
  std::vector<Await> waiting_;
};

}  // namespace hal_sim
