#include "control/metrics_text.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace dtud::control {
namespace {

TEST(MetricsText, SamplesOfANameStandTogether) {
  MetricsText m;
  m.counter("rx_total", "Bytes in", 1, {{"port", "1"}});
  m.gauge("up", "Is it up", 0.5);
  m.counter("rx_total", "ignored", 2, {{"port", "2"}, {"dialect", "raw"}});
  EXPECT_EQ(m.take(),
            "# HELP rx_total Bytes in\n# TYPE rx_total counter\n"
            "rx_total{port=\"1\"} 1\nrx_total{port=\"2\",dialect=\"raw\"} 2\n"
            "# HELP up Is it up\n# TYPE up gauge\nup 0.5\n");
  EXPECT_EQ(m.take(), "");
}

TEST(MetricsText, EscapesHelpAndLabels) {
  MetricsText m;
  m.gauge("a", "line\nback\\slash \"quote\"", 1, {{"l", "line\nback\\slash \"quote\""}});
  EXPECT_EQ(m.take(),
            "# HELP a line\\nback\\\\slash \"quote\"\n# TYPE a gauge\n"
            "a{l=\"line\\nback\\\\slash \\\"quote\\\"\"} 1\n");
}

TEST(MetricsText, MendsNames) {
  MetricsText m;
  m.gauge("9.mqtt-x:y", "h", 1, {{"a:b.c", "v"}});
  EXPECT_EQ(m.take(), "# HELP _9_mqtt_x:y h\n# TYPE _9_mqtt_x:y gauge\n_9_mqtt_x:y{a_b_c=\"v\"} 1\n");
}

TEST(MetricsText, Numbers) {
  MetricsText m;
  using limits = std::numeric_limits<double>;
  for (const double v :
       {0.0, -3.0, 1e15, 9007199254740991.0, 1e300, 0.1, limits::infinity(), -limits::infinity(), limits::quiet_NaN()})
    m.gauge("n", "h", v);
  EXPECT_EQ(m.take(),
            "# HELP n h\n# TYPE n gauge\nn 0\nn -3\nn 1000000000000000\nn 9007199254740991\nn 1e+300\nn 0.1\nn +Inf\n"
            "n -Inf\nn NaN\n");
}

}  // namespace
}  // namespace dtud::control
