// What Prometheus and promtool refuse or complain about in a text of metrics.
#pragma once
#include <string>

namespace e2e {

// "" or the first line that is wrong, and why. Checked: HELP and TYPE once and before the samples of a family, families
// in one piece, counters end in _total and nothing else does, no sample twice, names, escaping, values, and no label
// that Prometheus sets itself (instance, job).
[[nodiscard]] std::string fault_of_metrics(const std::string& text);

}  // namespace e2e
