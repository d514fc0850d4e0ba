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
  int i = 0;
  for (const double v :
       {0.0, -3.0, 1e15, 9007199254740991.0, 1e300, 0.1, limits::infinity(), -limits::infinity(), limits::quiet_NaN()})
    m.gauge("n" + std::to_string(i++), "h", v);
  const std::string text = m.take();
  for (const char* sample : {"\nn0 0\n", "\nn1 -3\n", "\nn2 1000000000000000\n", "\nn3 9007199254740991\n",
                             "\nn4 1e+300\n", "\nn5 0.1\n", "\nn6 +Inf\n", "\nn7 -Inf\n", "\nn8 NaN\n"})
    EXPECT_NE(text.find(sample), std::string::npos) << sample << text;
}

TEST(MetricsText, WhatPrometheusWouldRefuseIsLeftOutAndCounted) {
  MetricsText text;
  text.gauge("a", "A", 1, {{"x", "1"}});
  text.gauge("a", "A", 2, {{"x", "2"}});
  text.gauge("a", "A", 3, {{"x", "1"}});
  text.counter("a", "A", 4);
  EXPECT_EQ(text.conflicts(), 2U);
  EXPECT_EQ(text.take(), "# HELP a A\n# TYPE a gauge\na{x=\"1\"} 1\na{x=\"2\"} 2\n");
  EXPECT_EQ(text.conflicts(), 0U);
  text.gauge("b", "", 1, {{"x", "caf\xE9"}});
  EXPECT_EQ(text.take(), "# HELP b Not described\n# TYPE b gauge\nb{x=\"caf\xEF\xBF\xBD\"} 1\n");
}

}  // namespace
}  // namespace dtud::control
