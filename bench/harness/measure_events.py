"""What a link notices of a plugin that tells events in a loop to ten subscribers, one of which is slow."""

import contextlib
import http.client
import json
import os
import re
import socket
import time

from .bench import connect
from .gateways import DTUD, eventful_dtud
from .processes import memory, wait_until

SECTION = "events"
PAUSES_US = {"in a loop": 0, "100 a ms": 1000}  # of the publisher, after each hundred
SLOW = "own-7"


def name(pace):
    return f"{DTUD}, events {pace}"


class Control:
    """The control API of one dtud."""

    def __init__(self, site):
        self._path = os.path.join(site.folder, "control.sock")

    def _ask(self, method, path, body=None):
        http_ = http.client.HTTPConnection("localhost", timeout=10)
        http_.sock = socket.socket(socket.AF_UNIX)
        http_.sock.settimeout(10)
        http_.sock.connect(self._path)
        with contextlib.closing(http_):
            http_.request(method, path, body)
            return http_.getresponse().read().decode()

    def call(self, command, args):
        """Its answer; None: it is not offered yet, or failed."""
        answer = json.loads(self._ask("POST", "/v1/call", json.dumps({"command": command, "args": args})))
        return answer if answer.get("status") == "ok" else None

    def missed(self):
        found = re.search(rf'^dtu_events_missed_total{{component="command {SLOW}"}} (\d+)', self._ask("GET", "/metrics"),
                          re.MULTILINE)
        return int(found[1]) if found else 0


def run(bench):
    bench.interleave("events", bench.scale.rounds, bench.usable(
        [eventful_dtud(bench.tools, name(pace)) for pace in PAUSES_US]), lambda g: _one_round(bench, g))


def _one_round(bench, gateway):
    pause = next(us for pace, us in PAUSES_US.items() if name(pace) == gateway.name)
    with contextlib.ExitStack() as stack:
        site = stack.enter_context(bench.site())
        process = site.nursery.start(gateway.argv(site))
        tcp = stack.enter_context(connect(site, process))
        control = Control(site)

        def pingpong(count):
            return bench.load(site, "pingpong", "--tcp", tcp.fileno(), "--count", count, fds=(tcp.fileno(),))
        pingpong(bench.scale.warm_up)
        idle = pingpong(bench.scale.round_trips)
        # One publisher has no more than what a slow subscriber can hold: the two others make it miss some.
        for publisher in ("main-1", "own-1", "main-7"):
            wait_until(f"{publisher} tells events", 5, lambda p=publisher: control.call(
                f"{p}.flood", {"ms": 120_000 if p == "main-1" else 2000, "pause_us": pause or 1000 * (p != "main-1")}))
        wait_until("the slow subscriber misses events", 10, control.missed)
        time.sleep(2.0)
        rss = memory(process.pids())["rss_kib"]
        busy = pingpong(bench.scale.round_trips)
        told = control.call("main-1.seen", {})["result"]
        bench.add(SECTION, gateway.name, {
            "idle_p99_us": idle["rtt_p99_us"], "p99_us": busy["rtt_p99_us"],
            "p99_ratio": busy["rtt_p99_us"] / idle["rtt_p99_us"],
            "grown_kib": memory(process.pids())["rss_kib"] - rss, "missed": control.missed(),
            "told": told["flood_told"], "refused_m": told["flood_refused"] / 1e6})
