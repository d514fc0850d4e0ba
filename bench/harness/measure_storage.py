"""offline_storage: what an outage costs the flash, how fast it drains, and what another link notices of that."""

import contextlib
import http.client
import json
import os
import socket
import threading
import time

from .bench import connect
from .gateways import DTUD, storing_dtud
from .processes import Failed, Pty, memory, wait_until

SECTION = "storage"
LINE = 64
MODES = ("on", "always")


def name(mode):
    return f"{DTUD}, {mode}"


class _Control(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("dtud", timeout=10)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _spool(site, channel):
    control = _Control(os.path.join(site.folder, "control.sock"))
    with contextlib.closing(control):
        control.request("GET", "/v1/spool")
        channels = json.loads(control.getresponse().read())["channels"]
    return next(c for c in channels if c["channel"] == channel)


class Away:
    """A line, and the server its lines are for, which is not there until come_back()."""

    def __init__(self, stack):
        pty = stack.enter_context(Pty())
        self.device, self._master = pty.device, pty.master
        self._listener = stack.enter_context(socket.socket())
        self._listener.bind(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.received, self.began, self.ended = 0, None, None
        self._stack = stack

    def write(self, count):
        data = b"".join(b"%08d" % n + b"." * (LINE - 9) + b"\n" for n in range(count))
        os.set_blocking(self._master, True)
        while data:
            data = data[os.write(self._master, data[:65536]):]

    def come_back(self, count):
        self._listener.listen()
        thread = threading.Thread(target=self._read, args=(count * LINE,))
        thread.start()
        self._stack.callback(thread.join)

    def _read(self, wanted):
        self._listener.settimeout(60)
        peer, _ = self._listener.accept()
        self.began = time.monotonic()
        with peer:
            while self.received < wanted and (piece := peer.recv(1 << 18)):
                self.received += len(piece)
        self.ended = time.monotonic()


def run(bench):
    bench.interleave("storage", bench.scale.rounds, bench.usable(
        [storing_dtud(bench.tools, mode, None) for mode in MODES]), lambda g: _one_round(bench, g.name))


def _one_round(bench, gateway_name):
    mode = gateway_name.rpartition(", ")[2]
    count = bench.scale.stored_lines
    with contextlib.ExitStack() as stack:
        away = Away(stack)
        site = stack.enter_context(bench.site())
        process = site.nursery.start(storing_dtud(bench.tools, mode, away).argv(site))
        tcp = stack.enter_context(connect(site, process))

        def pingpong(trips):
            return bench.load(site, "pingpong", "--tcp", tcp.fileno(), "--count", trips, fds=(tcp.fileno(),))
        pingpong(bench.scale.warm_up)
        idle = pingpong(bench.scale.round_trips)
        rss = memory(process.pids())["rss_kib"]
        away.write(count)
        stored = wait_until("the outage is on disk", 60, lambda: (
            (s := _spool(site, 2))["disk"]["messages"] == count and s), step=0.05)
        grown = memory(process.pids())["rss_kib"] - rss
        away.come_back(count)
        wait_until("the drain begins", 10, lambda: away.received)
        busy = pingpong(bench.scale.round_trips)
        over = away.ended is not None
        wait_until("the drain ends", 120, lambda: away.ended)
        if away.received != count * LINE:
            raise Failed(f"{away.received} bytes of {count * LINE} came")
        if over:
            bench.remark(f"{gateway_name}: the drain was over before the round trips were")
        bench.add(SECTION, gateway_name, {
            "drain_msg_s": count / (away.ended - away.began), "write_cost": stored["disk"]["bytes_written"] / (count * LINE),
            "grown_kib": grown, "idle_p99_us": idle["rtt_p99_us"], "p99_us": busy["rtt_p99_us"],
            "p99_ratio": busy["rtt_p99_us"] / idle["rtt_p99_us"]})
