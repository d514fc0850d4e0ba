"""What a link notices of another one whose channel is too slow for its port."""

import contextlib
import os
import socket
import threading
import time

from .bench import connect
from .gateways import DTUD, overloaded_dtud
from .processes import Failed, Pty, memory, wait_until

SECTION = "overload"
POLICIES = ("block", "drop-oldest", "drop-newest")
SLOW_BYTES_PER_S = 400_000


def name(policy):
    return f"{DTUD}, {policy}"


class Flood:
    """A line written at full speed, and a server that reads what comes of it slowly. A port and a device for dtud."""

    def __init__(self, stack):
        pty = stack.enter_context(Pty())
        self.device, self._master = pty.device, os.dup(pty.master)
        stack.callback(os.close, self._master)
        os.set_blocking(self._master, False)
        self._listener = stack.enter_context(socket.socket())
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self._listener.settimeout(0.1)
        self.port = self._listener.getsockname()[1]
        self.written = 0
        self._on, self._ending = threading.Event(), threading.Event()
        threads = [threading.Thread(target=self._write), threading.Thread(target=self._read)]
        for thread in threads:
            thread.start()
        stack.callback(lambda: (self._ending.set(), [t.join() for t in threads]))

    def begin(self):
        self._on.set()

    def _write(self):
        lines = (b"x" * 63 + b"\n") * 512
        while not self._ending.is_set():
            if not self._on.wait(0.1):
                continue
            try:
                self.written += os.write(self._master, lines[self.written % len(lines):])
            except BlockingIOError:
                self._ending.wait(0.001)

    def _read(self):
        while not self._ending.is_set():
            with contextlib.suppress(TimeoutError, ConnectionError):
                peer, _ = self._listener.accept()
                with peer:
                    while not self._ending.is_set() and peer.recv(SLOW_BYTES_PER_S // 100):
                        self._ending.wait(0.01)


def run(bench):
    bench.interleave("overload", bench.scale.rounds, bench.usable(
        [overloaded_dtud(bench.tools, policy, None) for policy in POLICIES]), lambda g: _one_round(bench, g.name))


def _one_round(bench, gateway_name):
    policy = gateway_name.rpartition(", ")[2]
    with contextlib.ExitStack() as stack:
        flood = Flood(stack)
        site = stack.enter_context(bench.site())
        process = site.nursery.start(overloaded_dtud(bench.tools, policy, flood).argv(site))
        tcp = stack.enter_context(connect(site, process))

        def pingpong(count):
            return bench.load(site, "pingpong", "--tcp", tcp.fileno(), "--count", count, fds=(tcp.fileno(),))
        pingpong(bench.scale.warm_up)
        idle = pingpong(bench.scale.round_trips)
        rss = memory(process.pids())["rss_kib"]
        flood.begin()
        wait_until("the flooded line takes bytes", 5, lambda: flood.written > 1 << 20 or policy == "block")
        time.sleep(0.5)
        busy = pingpong(bench.scale.round_trips)
        if flood.written == 0:
            raise Failed("nothing was written into the flooded line")
        bench.add(SECTION, gateway_name, {
            "idle_p99_us": idle["rtt_p99_us"], "p99_us": busy["rtt_p99_us"],
            "p99_ratio": busy["rtt_p99_us"] / idle["rtt_p99_us"],
            "grown_kib": memory(process.pids())["rss_kib"] - rss, "flooded_mb": flood.written / 1e6})
