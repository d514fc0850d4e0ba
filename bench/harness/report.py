"""The figures as tables, the targets with PASS or MISS, and everything as JSON."""

import json
import os
import platform
import time

from . import measure_events, measure_footprint, measure_mqtt, measure_overload, measure_storage, measure_tcp, measure_values
from .gateways import DTUD

# metric, heading, format. The order is the order of the columns.
TCP_COLUMNS = [
    ("rtt_p50_us", "RTT p50", "{:.0f}"), ("rtt_p99_us", "p99", "{:.0f}"),
    ("pinned_rtt_p50_us", "1CPU p50", "{:.0f}"), ("pinned_rtt_p99_us", "p99", "{:.0f}"),
    ("awake_rtt_p50_us", "awake p50", "{:.0f}"),
    ("cpu_us_per_msg", "CPU/msg", "{:.1f}"), ("awake_cpu_us_per_msg", "awake", "{:.1f}"),
    ("syscalls_per_msg", "calls/msg", "{:.1f}"),
    ("to_serial_mb_s", "MB/s to", "{:.0f}"), ("from_serial_mb_s", "from", "{:.0f}"), ("first_byte_ms", "start ms", "{:.1f}"),
]
MQTT_COLUMNS = [
    ("p50_us", "p50", "{:.0f}"), ("p99_us", "p99", "{:.0f}"), ("cpu_us_per_msg", "CPU/msg", "{:.1f}"),
    ("flat_msg_s", "flat msg/s", "{:.0f}"), ("flat_cpu_us_per_msg", "CPU/msg", "{:.1f}"), ("lost", "lost", "{:.0f}"),
    ("first_message_ms", "start ms", "{:.0f}"),
]
FOOTPRINT_COLUMNS = [
    ("rss_kib", "RSS KiB", "{:.0f}"), ("pss_kib", "PSS KiB", "{:.0f}"), ("threads", "threads", "{:.0f}"),
    ("processes", "procs", "{:.0f}"), ("wakeups_per_s", "wakes/s", "{:.1f}"),
]
OVERLOAD_COLUMNS = [
    ("idle_p99_us", "idle p99", "{:.0f}"), ("p99_us", "p99", "{:.0f}"), ("p99_ratio", "ratio", "{:.2f}"),
    ("grown_kib", "RSS +KiB", "{:.0f}"), ("flooded_mb", "flood MB", "{:.0f}"),
]
STORAGE_COLUMNS = [
    ("drain_msg_s", "drain/s", "{:.0f}"), ("write_cost", "written", "{:.2f}"), ("grown_kib", "RSS +KiB", "{:.0f}"),
    ("idle_p99_us", "idle p99", "{:.0f}"), ("p99_us", "p99", "{:.0f}"), ("p99_ratio", "ratio", "{:.2f}"),
]
EVENTS_COLUMNS = [
    ("idle_p99_us", "idle p99", "{:.0f}"), ("p99_us", "p99", "{:.0f}"), ("p99_ratio", "ratio", "{:.2f}"),
    ("grown_kib", "RSS +KiB", "{:.0f}"), ("told", "told", "{:.0f}"), ("refused_m", "refused M", "{:.1f}"),
    ("missed", "missed by slow", "{:.0f}"),
]
VALUES_COLUMNS = [
    ("cpu_percent", "CPU %", "{:.2f}"), ("idle_p99_us", "idle p99", "{:.0f}"), ("p99_us", "p99", "{:.0f}"),
    ("p99_ratio", "ratio", "{:.2f}"), ("values", "values/s", "{:.0f}"), ("events", "events/s", "{:.1f}"),
    ("answers", "answers/s", "{:.1f}"), ("rss_kib", "RSS KiB", "{:.0f}"),
]
SECTIONS = [
    (measure_tcp.SECTION, "port <-> TCP, 64 bytes raw (us unless said)", TCP_COLUMNS),
    (measure_mqtt.section(0), "port -> MQTT QoS 0, 64-byte lines: at 1000 msg/s, then flat out with 500 on the way (us unless said)", MQTT_COLUMNS),
    (measure_mqtt.section(1), "port -> MQTT QoS 1", MQTT_COLUMNS),
    (measure_footprint.SECTION, "idle, connected", FOOTPRINT_COLUMNS),
    (measure_overload.SECTION, "round trips (us) while another port floods a slow channel", OVERLOAD_COLUMNS),
    (measure_storage.SECTION, "offline_storage: an outage of 64-byte lines on disk, its cost in payloads, and round trips (us) "
     "of another link while it drains to TCP", STORAGE_COLUMNS),
    (measure_events.SECTION, "round trips (us) while a plugin tells events to ten subscribers, one of them slow", EVENTS_COLUMNS),
    (measure_values.SECTION, "1,000 register values, 10 positions and a command a second to MQTT, round trips (us) of another link",
     VALUES_COLUMNS),
]

BEST_PIPE = ("gensiot", "socat")
SER2NET = ("ser2net", "ser2net tuned")
PAHO = ("bare Paho",)
PIPE = ("socat | mosquitto_pub",)
IDLE_TCP, IDLE_TLS = f"{DTUD}, TCP", f"{DTUD}, TLS"


class Target:
    """`metric` of `who` must be at most (or at least) `limit`: of the best of `peers`, or outright without peers."""

    def __init__(self, section, metric, what, limit, peers=(), least=False, strict=False, who=DTUD, unit=""):
        self.section, self.metric, self.what, self.limit = section, metric, what, limit
        self.peers, self.least, self.strict, self.who, self.unit = peers, least, strict, who, unit

    def judge(self, bench):
        """(value, True or False); (None, None) when it was not measured."""
        mine = bench.median(self.section, self.who, self.metric)
        theirs = [v for v in (bench.median(self.section, p, self.metric) for p in self.peers) if v is not None]
        if mine is None or (self.peers and not theirs):
            return None, None
        value = mine
        if self.peers:
            best = (max if self.least else min)(theirs)
            value = mine / best if best else float("inf")
        good = value >= self.limit if self.least else value <= self.limit
        return value, good and not (self.strict and value == self.limit)

    def wording(self):
        sign = (">" if self.least else "<") + ("" if self.strict else "=")
        of = f" of {' / '.join(self.peers)}" if self.peers else ""
        return f"{sign} {self.limit:g}{self.unit}{of}"


AHEAD = "ahead of ser2net"


def _ahead_of_ser2net():
    for metric, _, _ in TCP_COLUMNS:
        if metric != "first_byte_ms":  # has a figure of its own to keep to
            yield Target(measure_tcp.SECTION, metric, f"{AHEAD}: {metric}", 1.0, SER2NET,
                         least=metric.endswith("mb_s"), strict=True)


def targets():
    tcp, idle = measure_tcp.SECTION, measure_footprint.SECTION
    found = [
        Target(tcp, "rtt_p50_us", "TCP round trip p50", 1.10, BEST_PIPE),
        Target(tcp, "rtt_p99_us", "TCP round trip p99", 1.25, BEST_PIPE),
        Target(tcp, "awake_rtt_p50_us", "the same, CPUs kept awake", 1.10, BEST_PIPE),
        Target(tcp, "cpu_us_per_msg", "TCP CPU per message", 1.10, ("gensiot",)),
        Target(tcp, "awake_cpu_us_per_msg", "the same, CPUs kept awake", 1.10, ("gensiot",)),
        Target(tcp, "syscalls_per_msg", "TCP system calls per message", 4.0),
        Target(tcp, "to_serial_mb_s", "stream to serial", 1.0, ("gensiot",), least=True),
        Target(tcp, "from_serial_mb_s", "stream from serial", 1.0, ("gensiot",), least=True),
        Target(tcp, "first_byte_ms", "start to first byte", 15, unit=" ms"),
    ]
    found += _ahead_of_ser2net()
    for qos in (0, 1):
        where = measure_mqtt.section(qos)
        found += [
            Target(where, "p50_us", f"MQTT QoS {qos} p50 at 1000/s", 0.75, PIPE),
            Target(where, "cpu_us_per_msg", f"MQTT QoS {qos} CPU at 1000/s", 0.60, PIPE),
            Target(where, "flat_msg_s", f"MQTT QoS {qos} flat out", 0.90, PAHO, least=True),
            Target(where, "lost", f"MQTT QoS {qos} lost", 0),
            Target(where, "first_message_ms", f"QoS {qos} start to first message", 50, unit=" ms"),
        ]
    found += [Target(measure_overload.SECTION, "p99_ratio", f"p99 beside a flooded link, {policy}, to idle", 2.0,
                     who=measure_overload.name(policy)) for policy in measure_overload.POLICIES]
    for mode in measure_storage.MODES:
        where, who = measure_storage.SECTION, measure_storage.name(mode)
        found += [Target(where, "drain_msg_s", f"drain, {mode}", 20000, who=who, least=True, unit="/s"),
                  Target(where, "p99_ratio", f"p99 beside a drain, {mode}, to idle", 2.0, who=who),
                  Target(where, "grown_kib", f"memory of a stored outage, {mode}", 2048, who=who, unit=" KiB")]
    found.append(Target(measure_values.SECTION, "p99_ratio", "p99 beside 1,000 values a second, to idle", 2.0,
                        who=measure_values.NAME))
    found.append(Target(measure_storage.SECTION, "write_cost", "bytes written of the payload's", 2.0,
                        who=measure_storage.name("on")))
    return found + [
        Target(idle, "rss_kib", "RSS idle with TCP", 8.5 * 1024, who=IDLE_TCP, unit=" KiB"),
        Target(idle, "rss_kib", "RSS idle with MQTT over TLS", 10 * 1024, who=IDLE_TLS, unit=" KiB"),
        Target(idle, "wakeups_per_s", "wake-ups idle with TCP", 2, who=IDLE_TCP, unit=" /s"),
        Target(idle, "wakeups_per_s", "wake-ups idle with MQTT", 2, who=IDLE_TLS, unit=" /s"),
    ]


def table(bench):
    lines = []
    for section, title, columns in SECTIONS:
        rows = bench.results.get(section)
        if not rows:
            continue
        lines.append("")
        lines.append(title)
        lines.append(" " * 28 + "".join(f"{heading:>11}" for _, heading, _ in columns))
        for gateway in rows:
            cells = []
            for metric, _, form in columns:
                value = bench.median(section, gateway, metric)
                cells.append(f"{'-' if value is None else form.format(value):>11}")
            lines.append(f"  {gateway:<26.26}" + "".join(cells))
    return lines


def verdicts(bench):
    """(lines, number missed, number judged)"""
    lines, missed, judged, behind, compared = [], 0, 0, [], 0
    for target in targets():
        value, good = target.judge(bench)
        if good is None:
            continue
        if target.what.startswith(AHEAD):
            compared += 1
            behind += [] if good else [f"{target.metric} {value:.2f}"]
            continue
        judged += 1
        missed += not good
        lines.append(f"  {'PASS' if good else 'MISS'}  {target.what:<34} {value:>9.2f}   target {target.wording()}")
    if compared:
        judged += 1
        missed += bool(behind)
        lines.append(f"  {'MISS' if behind else 'PASS'}  {AHEAD} in {compared - len(behind)} of {compared} columns"
                     + (f"; not in: {', '.join(behind)}" if behind else ""))
    for gateway, reasons in bench.results.get("failures", {}).items():
        if gateway.startswith(DTUD):
            judged += 1
            missed += 1
            lines += [f"  MISS  {reason}" for reason in reasons]
    return lines, missed, judged


def machine(busy):
    return {"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "kernel": platform.release(), "machine": platform.machine(),
            "cpus": len(os.sched_getaffinity(0)), "busy_at_start": round(busy, 2)}


def write_json(path, bench, about):
    medians = {section: {gateway: {metric: bench.median(section, gateway, metric) for metric in figures}
                         for gateway, figures in rows.items()}
               for section, rows in bench.results.items() if section != "failures"}
    judged = []
    for target in targets():
        value, good = target.judge(bench)
        judged.append({"section": target.section, "metric": target.metric, "what": target.what,
                       "target": target.wording(), "value": value, "pass": good})
    document = {"machine": about, "remarks": bench.remarks, "medians": medians, "targets": judged,
                "rounds": bench.results}
    with open(path, "w", encoding="utf-8") as f:
        json.dump(document, f, indent=1)
        f.write("\n")
