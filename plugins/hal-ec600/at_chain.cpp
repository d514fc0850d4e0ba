#include "at_chain.hpp"

#include <memory>
#include <utility>

namespace hal_ec600 {
namespace {

struct Chain {
  AtEngine& engine;
  std::vector<AtExchange> steps;
  AtChainDone done;
  std::vector<AtResult> results = {};
};

void run_next(const std::shared_ptr<Chain>& chain, AtPlace place) {
  AtExchange step = std::move(chain->steps.at(chain->results.size()));
  step.done = [chain](const AtResult& result) {
    chain->results.push_back(result);
    if (!result.ok() || chain->results.size() == chain->steps.size()) return chain->done(chain->results);
    run_next(chain, AtPlace::next);
  };
  if (chain->engine.submit(std::move(step), place) != 0) return;
  AtResult refused;
  refused.end = AtEnd::gone;
  refused.text = chain->engine.refusal();
  chain->results.push_back(std::move(refused));
  chain->done(chain->results);
}

}  // namespace

void run_chain(AtEngine& engine, std::vector<AtExchange> steps, AtChainDone done, AtPlace place) {
  run_next(std::make_shared<Chain>(Chain{engine, std::move(steps), std::move(done)}), place);
}

}  // namespace hal_ec600
