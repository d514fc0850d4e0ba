// GET /metrics: the counters of ports, channels, links and plugins as Prometheus text.
#include "control/metrics_text.hpp"
#include "kernel/kernel.hpp"
#include "kernel/process.hpp"
#include "kernel/version.hpp"
#include "kernel/views.hpp"
#include "lanes/wall_clock.hpp"

namespace dtud::views {
namespace {

using control::MetricsText;

constexpr const char* kChannelUp = "dtu_channel_up";
constexpr const char* kChannelUpHelp = "1 while the channel can carry messages";

void add_port(MetricsText& text, const routing::Port& p) {
  const MetricsText::Labels labels{{"port", p.id}};
  text.gauge("dtu_port_up", "1 while the port can be used", p.state == DTU_STATE_UP ? 1 : 0, labels);
  text.counter("dtu_port_rx_bytes_total", "Bytes read from the line", static_cast<double>(p.traffic.rx_bytes), labels);
  text.counter("dtu_port_rx_messages_total", "Reads from the line", static_cast<double>(p.traffic.rx_messages), labels);
  text.counter("dtu_port_tx_bytes_total", "Bytes given to the line", static_cast<double>(p.traffic.tx_bytes), labels);
  text.counter("dtu_port_tx_messages_total", "Messages given to the line", static_cast<double>(p.traffic.tx_messages),
               labels);
  text.gauge("dtu_port_queued_messages", "Messages waiting to be written", static_cast<double>(p.queue.size()), labels);
  text.gauge("dtu_port_queued_bytes", "Bytes waiting to be written", static_cast<double>(p.queued_bytes), labels);
  text.counter("dtu_port_partial_frames_total", "Messages shorter than packet.length, ended by silence",
               static_cast<double>(p.partial_frames), labels);
  text.counter("dtu_port_echo_mismatches_total", "Echoes that differed from what was sent",
               static_cast<double>(p.echo.counters().mismatches), labels);
  text.counter("dtu_port_echo_missing_total", "Echoes that did not come in time",
               static_cast<double>(p.echo.counters().missing), labels);
  for (size_t i = 0; i < routing::kPortDrops; ++i) {
    MetricsText::Labels with_reason = labels;
    with_reason.emplace_back("reason", routing::name_of(static_cast<routing::PortDrop>(i)));
    text.counter("dtu_port_dropped_total", "Messages dropped at the port", static_cast<double>(p.drops.at(i)),
                 with_reason);
  }
}

void add_storage(MetricsText& text, const routing::Backlog& b, const MetricsText::Labels& labels) {
  const spool::Spool::Facts& disk = b.disk();
  text.gauge("dtu_spool_memory_messages", "Stored messages that are only in memory",
             static_cast<double>(b.in_memory().messages), labels);
  text.gauge("dtu_spool_messages", "Messages on disk", static_cast<double>(disk.messages), labels);
  text.gauge("dtu_spool_file_bytes", "Bytes of the files on disk", static_cast<double>(disk.disk_bytes), labels);
  text.counter("dtu_spool_bytes_written_total", "Bytes given to the disk, in whole blocks",
               static_cast<double>(disk.written), labels);
  text.counter("dtu_spool_damaged_total", "Stored messages that could not be read any more",
               static_cast<double>(b.damaged()), labels);
  text.gauge("dtu_spool_trouble", "1 while messages cannot be stored", b.trouble() ? 1 : 0, labels);
}

void add_channel(MetricsText& text, const routing::Channel& c) {
  const MetricsText::Labels labels{{"channel", std::to_string(c.id)}, {"type", c.config.type}};
  const auto n = c.outbox.counters();
  text.gauge(kChannelUp, kChannelUpHelp, c.carries() ? 1 : 0, labels);
  text.gauge("dtu_outbox_messages", "Messages not yet delivered", static_cast<double>(c.outbox.messages()), labels);
  text.gauge("dtu_outbox_bytes", "Bytes not yet delivered", static_cast<double>(c.outbox.bytes()), labels);
  text.gauge("dtu_outbox_in_flight", "Messages sent and not yet confirmed", static_cast<double>(c.outbox.in_flight()),
             labels);
  text.counter("dtu_outbox_delivered_total", "Messages confirmed by the remote end", static_cast<double>(n.delivered),
               labels);
  text.counter("dtu_outbox_overtaken_total", "Messages confirmed after a newer one: the peer had refused them before",
               static_cast<double>(n.overtaken), labels);
  text.counter("dtu_outbox_unconfirmed_total", "Messages sent over a protocol that confirms nothing",
               static_cast<double>(n.unconfirmed), labels);
  const auto with_reason = [&labels](const char* reason) {
    MetricsText::Labels all = labels;
    all.emplace_back("reason", reason);
    return all;
  };
  text.counter("dtu_outbox_dropped_total", "Messages dropped: the outbox was full, or no receiver was connected",
               static_cast<double>(n.dropped - n.no_receiver), with_reason("full"));
  text.counter("dtu_outbox_dropped_total", "Messages dropped: the outbox was full, or no receiver was connected",
               static_cast<double>(n.no_receiver), with_reason("no_receiver"));
  for (size_t i = 0; i < routing::kRejections; ++i) {
    const auto& rejection = n.rejections.at(i);
    const auto reason = with_reason(routing::name_of(static_cast<routing::Rejected>(i)));
    text.counter("dtu_outbox_rejected_total", "Messages that can never be delivered",
                 static_cast<double>(rejection.messages), reason);
    text.counter("dtu_outbox_rejected_bytes_total", "Bytes of the messages that can never be delivered",
                 static_cast<double>(rejection.bytes), reason);
  }
  text.counter("dtu_outbox_resent_total", "Messages put back to be sent again", static_cast<double>(n.resent), labels);
  text.counter("dtu_outbox_cleared_total", "Messages removed by dtuctl spool clear", static_cast<double>(n.cleared),
               labels);
  if (const routing::Backlog* b = c.outbox.backlog()) add_storage(text, *b, labels);
  text.counter("dtu_channel_rx_messages_total", "Messages from the remote end",
               static_cast<double>(c.traffic.rx_messages), labels);
  text.counter("dtu_channel_rx_bytes_total", "Bytes from the remote end", static_cast<double>(c.traffic.rx_bytes),
               labels);
  text.counter("dtu_channel_restarts_total", "Restarts of the plugin instance of the channel",
               c.instance != nullptr ? c.instance->restarts() : 0, labels);
}

void add_instance(MetricsText& text, const plugins::Instance& i) {
  text.gauge("dtu_instance_quarantined", "1 while the instance is in quarantine because of the faults of its plugin",
             i.quarantine().empty() ? 0 : 1, {{"component", i.name()}, {"plugin", i.plugin_id()}});
  text.counter("dtu_events_missed_total", "Events that the instance subscribed to and was too slow for",
               static_cast<double>(i.missed_events()), {{"component", i.name()}});
}

void add_faults(MetricsText& text, const plugins::Faults& faults) {
  for (const auto& [kind, last] : faults.read())
    text.counter("dtu_plugin_faults_total", "Violations of the plugin contract", static_cast<double>(last.count),
                 {{"component", faults.instance()}, {"plugin", faults.plugin()}, {"kind", plugins::name_of(kind)}});
  if (const uint64_t refused = faults.refused_events(); refused != 0)
    text.counter("dtu_events_refused_total", "Events refused because the instance told too many",
                 static_cast<double>(refused), {{"component", faults.instance()}, {"plugin", faults.plugin()}});
}

}  // namespace

std::string metrics(Kernel& kernel) {
  MetricsText text;
  const ProcessFacts process = read_process_facts();
  text.gauge("dtu_build_info", "Always 1; the version is a label", 1, {{"version", kVersion}});
  text.gauge("dtu_resident_bytes", "Resident memory of dtud", static_cast<double>(process.rss_kib) * 1024);
  text.gauge("dtu_threads", "Threads of dtud", static_cast<double>(process.threads));
  text.gauge("dtu_clock_set", "0 while the clock shows a time before dtud was built",
             clock_is_set(wall_clock_ns()) ? 1 : 0);
  text.counter("dtu_stalls_total", "Times a plugin held a lane for more than 5 s",
               static_cast<double>(kernel.stalls()));
  text.gauge("dtu_plugin_dead_images", "Unused builds of plugins that stay in memory until dtud starts again",
             static_cast<double>(kernel.components().dead_images()));
  text.gauge("dtu_abandoned_instances", "Instances that were abandoned because they did not stop in time",
             static_cast<double>(kernel.instances().abandoned()));
  for (const plugins::Faults* f : kernel.instances().faults().all()) add_faults(text, *f);
  for (const auto& m : kernel.members()) add_instance(text, *m);
  for (const auto& c : kernel.router().channels())
    if (c->instance != nullptr) add_instance(text, *c->instance);
  for (const auto& p : kernel.router().ports()) add_port(text, *p);
  for (const auto& c : kernel.router().channels()) add_channel(text, *c);
  for (const auto& skipped : kernel.changes().latest().skipped)
    if (kernel.router().channel(skipped.id) == nullptr)
      text.gauge(kChannelUp, kChannelUpHelp, 0, {{"channel", std::to_string(skipped.id)}, {"type", skipped.type}});
  if (const auto days = flash_days(kernel))
    text.gauge("dtu_flash_life_seconds", "Expected life of the flash at the write rate since dtud started",
               *days * 86400);
  for (const auto& link : kernel.router().links())
    for (const auto& [reason, d] : link->drops)
      text.counter("dtu_dialect_drops_total", "Messages that a dialect dropped", static_cast<double>(d.messages),
                   {{"port", link->port != nullptr ? link->port->id : ""}, {"reason", reason}});
  for (const plugins::Metrics::Reading& r : kernel.metrics().read()) {
    const auto read = plugins::read_metric_name(r.name).value_or(plugins::MetricName{r.name, {}, {}});
    MetricsText::Labels labels{{"component", r.instance}};
    if (!read.label.empty()) labels.emplace_back(read.label, read.value);
    const std::string name = "dtu_" + std::string(read.name) + (r.kind == DTU_METRIC_COUNTER ? "_total" : "");
    if (r.kind == DTU_METRIC_COUNTER)
      text.counter(name, r.help, static_cast<double>(r.value), labels);
    else
      text.gauge(name, r.help, static_cast<double>(r.value), labels);
  }
  text.gauge("dtu_metric_conflicts",
             "Samples left out because another sample has the same name and labels, or another type",
             static_cast<double>(text.conflicts()));
  return text.take();
}

}  // namespace dtud::views
