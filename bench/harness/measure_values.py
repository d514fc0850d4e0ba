"""What a cabinet of meters costs: a thousand register values, ten positions and one command a second, all over MQTT."""

import contextlib
import json
import subprocess
import threading
import time

from . import broker
from .bench import connect
from .gateways import DTUD, measuring_dtud, tcp_gateways
from .processes import Nursery, cpu_seconds, memory, program, wait_until

SECTION = "values"
NAME = f"{DTUD}, 1,000 values/s"


def run(bench):
    if broker.missing() or not program("mosquitto_pub"):
        return bench.remark(f"skipped: values: {broker.missing() or 'mosquitto_pub not found: apt-get install mosquitto-clients'}")
    with Nursery(bench.folder) as nursery:
        port = broker.start(bench, nursery).port
        bench.interleave("values", bench.scale.rounds, bench.usable([measuring_dtud(bench.tools, NAME, port)]),
                         lambda gateway: _one_round(bench, gateway, port))


class Listener:
    """Counts what arrives at the broker, by the last part of its topic."""

    def __init__(self, port, topic):
        self.counts = {"values": 0, "events": 0, "answers": 0}
        self._child = subprocess.Popen([program("mosquitto_sub"), "-p", str(port), "-t", topic + "/#", "-v"],
                                       stdout=subprocess.PIPE, text=True)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for line in self._child.stdout:
            topic, _, payload = line.partition(" ")
            if topic.endswith("/values"):
                self.counts["values"] += payload.count(":")  # one for each value
            elif topic.endswith("/answers"):
                self.counts["events" if '"event"' in payload else "answers"] += 1

    def close(self):
        self._child.kill()
        self._child.wait()
        self._thread.join()


class Orders:
    """Sends a command each second: the version (function code 2)."""

    def __init__(self, port, topic):
        self._child = subprocess.Popen([program("mosquitto_pub"), "-p", str(port), "-t", topic + "/orders", "-l"],
                                       stdin=subprocess.PIPE, text=True)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def _send(self):
        number = 0
        while not self._over.wait(1.0):
            number += 1
            self._child.stdin.write(json.dumps({"msg_id": number, "cmd_code": 2}) + "\n")
            self._child.stdin.flush()

    def close(self):
        self._over.set()
        self._thread.join()
        self._child.kill()
        self._child.wait()


def _one_round(bench, gateway, port):
    idle = _round_trips(bench, next(g for g in tcp_gateways(bench.tools) if g.name == DTUD))
    with contextlib.ExitStack() as stack:
        site = stack.enter_context(bench.site(topic=f"cabinet/{time.monotonic_ns()}"))
        listener = stack.enter_context(contextlib.closing(Listener(port, site.topic)))
        stack.enter_context(contextlib.closing(Orders(port, site.topic)))
        process = site.nursery.start(gateway.argv(site))
        tcp = stack.enter_context(connect(site, process))
        wait_until("values, events and answers arrive", 15, lambda: all(listener.counts.values()))
        before, cpu, since = dict(listener.counts), cpu_seconds(process.pids()), time.monotonic()
        time.sleep(bench.scale.idle_s)
        elapsed = time.monotonic() - since
        cpu = cpu_seconds(process.pids()) - cpu
        rates = {what: (count - before[what]) / elapsed for what, count in listener.counts.items()}
        busy = _pingpong(bench, site, tcp)
        bench.add(SECTION, gateway.name, {
            **rates, "cpu_percent": 100 * cpu / elapsed, "idle_p99_us": idle["rtt_p99_us"], "p99_us": busy["rtt_p99_us"],
            "p99_ratio": busy["rtt_p99_us"] / idle["rtt_p99_us"], "rss_kib": memory(process.pids())["rss_kib"]})


def _round_trips(bench, gateway):
    with contextlib.ExitStack() as stack:
        site = stack.enter_context(bench.site())
        tcp = stack.enter_context(connect(site, site.nursery.start(gateway.argv(site))))
        return _pingpong(bench, site, tcp)


def _pingpong(bench, site, tcp):
    def pingpong(count):
        return bench.load(site, "pingpong", "--tcp", tcp.fileno(), "--count", count, fds=(tcp.fileno(),))
    pingpong(bench.scale.warm_up)
    return pingpong(bench.scale.round_trips)
