"""Port -> MQTT, 64-byte lines, timed at a subscriber."""

from . import broker
from .gateways import mqtt_gateways
from .processes import Nursery

WINDOW = 500


def section(qos):
    return f"mqtt_qos{qos}"


def run(bench):
    why = broker.missing()
    if why:
        bench.remark(f"skipped: port -> MQTT: {why}")
        return
    gateways = bench.usable(mqtt_gateways(bench.tools))
    with Nursery(bench.folder) as nursery:
        port = broker.start(bench, nursery).port
        bench.interleave("port -> MQTT", bench.scale.rounds, gateways,
                         lambda g: [one_round(bench, g, port, qos) for qos in (0, 1)])


def one_round(bench, gateway, port, qos):
    scale = bench.scale
    where = section(qos)
    with bench.site(port=port, qos=qos) as site:
        first = bench.load(site, "first-message", "--broker", port, "--topic", site.topic,
                           command=gateway.argv(site), patience=10)
        bench.add(where, gateway.name, {"first_message_ms": first["ms"]})
    with bench.site(port=port, qos=qos) as site:
        process = site.nursery.start(gateway.argv(site))
        words = ["lines", "--broker", port, "--topic", site.topic]
        bench.load(site, *words, "--rate", 1000, "--count", 200)  # warm, and connected
        words += ["--pids", ",".join(map(str, process.pids()))]
        steady = bench.load(site, *words, "--rate", 1000, "--count", scale.steady_lines)
        flat = bench.load(site, *words, "--window", WINDOW, "--count", scale.flat_lines)
        bench.add(where, gateway.name, {
            "p50_us": steady["p50_us"], "p99_us": steady["p99_us"], "cpu_us_per_msg": steady["cpu_us_per_msg"],
            "flat_msg_s": flat["msg_per_s"], "flat_cpu_us_per_msg": flat["cpu_us_per_msg"],
            "lost": steady["lost"] + flat["lost"], "duplicates": steady["duplicates"] + flat["duplicates"],
            "out_of_order": steady["out_of_order"] + flat["out_of_order"]})
