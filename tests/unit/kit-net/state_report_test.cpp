#include <gtest/gtest.h>

#include <dtu/kit/net/state_report.hpp>

#include "host/test_host.hpp"
#include "probe.hpp"

namespace net {
namespace {

TEST(StateReport, TellsAStateOncePerReason) {
  dtu::test::TestHost host;
  test::Probe probe(host);
  StateReport state(probe.host(), kTcpConnectFailed);
  state.not_up(DTU_STATE_DOWN, "refused");
  state.not_up(DTU_STATE_DOWN, "refused");
  state.not_up(DTU_STATE_DOWN, "no route");
  EXPECT_EQ(host.reports().size(), 2U);
  EXPECT_FALSE(state.is_up());
  EXPECT_EQ(state.reason(), "no route");
  state.up();
  state.up();
  EXPECT_TRUE(state.is_up());
  EXPECT_EQ(host.reports().size(), 3U);
  EXPECT_EQ(host.reports()[1].code, DTU_E_IO);
  EXPECT_EQ(host.reports()[1].flags, DTU_ERR_RETRYABLE);
  EXPECT_EQ(host.reports()[1].protocol_code, 4003U);
  EXPECT_EQ(host.reports()[2].state, DTU_STATE_UP);
}

}  // namespace
}  // namespace net
