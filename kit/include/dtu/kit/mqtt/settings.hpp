// Reads what the configurations of MQTT channels have in common. `config` satisfies its schema, as everything does that
// dtud hands to a plugin, so nothing is checked here that a schema says: types, ranges, lists of allowed values. What a
// schema cannot say throws dtu::Failure (DTU_E_INVALID) with the path of the key: an address that is none, a port given
// twice, a topic with a wildcard. A key that is absent leaves the default that `options` holds.
#pragma once
#include <dtu/kit/mqtt/options.hpp>
#include <dtu/sdk/check.hpp>
#include <dtu/sdk/json.hpp>
#include <string>
#include <vector>

namespace mqtt {

// "url", "port", "tls", "keepAlive" (0 and "": the default) and "reconnect" {"min_ms", "max_ms"}. Without a port: 1883,
// or 8883 with TLS.
void read_broker(const dtu::Json& config, Options& options);

// "publish" and "subscribe": a topic, or {"topic", "qos", "retain" or "retained"}, by topic id. "qos" and "retain" of
// `config` hold for those that do not say their own. In the order of ids: numbers by value, then texts by spelling.
[[nodiscard]] std::vector<Target> read_targets(const dtu::Json& config);
[[nodiscard]] std::vector<Subscription> read_subscriptions(const dtu::Json& config);

// {"topic", "payload", "qos", "retain"}: a will or a birth message. Its topic is "" when there is none.
[[nodiscard]] FixedMessage read_message(const dtu::Json& config, const std::string& key);

// For check(): the certificate files, waits that contradict each other. And that no other channel is the same client: a
// broker closes the older one of two. `path`: the key that makes the client id what it is.
void check_broker(const dtu::Json& config, const Options& options, const dtu::Findings& found);
void claim_client(const Options& options, std::string_view path, const dtu::Findings& found);

}  // namespace mqtt
