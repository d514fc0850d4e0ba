"""What every measurement shares: folders, tools, progress, interleaved rounds."""

import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import time

from .gateways import Site
from .processes import Failed, Nursery, Pty, free_port, wait_until


class Tools:
    """Our own programs, by full path."""

    def __init__(self, folder, dtud):
        self.load = os.path.join(folder, "bench-load")
        self.relay = os.path.join(folder, "bench-relay")
        self.paho = os.path.join(folder, "bench-paho")
        self.dtud = dtud
        self.plugins = os.path.join(os.path.dirname(os.path.dirname(dtud)), "plugins")
        plugins = os.path.join(os.path.dirname(os.path.abspath(folder)), "bench-plugins")
        self.crowd, self.registers = (os.path.join(plugins, f"bench-{name}.so") for name in ("crowd", "registers"))


class Bench:
    """The state of one call of run.py. results[section][gateway][metric] is a list, one value per round."""

    def __init__(self, folder, tools, scale):
        self.folder = folder
        self.tools = tools
        self.scale = scale
        self.results = {}
        self.remarks = []  # things to know about the figures
        self._sites = 0
        self._began = time.monotonic()

    def say(self, text):
        print(f"[{time.monotonic() - self._began:5.0f} s] {text}", file=sys.stderr, flush=True)

    def remark(self, text):
        if text not in self.remarks:
            self.remarks.append(text)
            self.say(text)

    def add(self, section, gateway, figures):
        into = self.results.setdefault(section, {}).setdefault(gateway, {})
        for metric, value in figures.items():
            into.setdefault(metric, []).append(value)

    def median(self, section, gateway, metric):
        values = self.results.get(section, {}).get(gateway, {}).get(metric)
        return statistics.median(values) if values else None

    def usable(self, gateways):
        """Those that can run here; the others are named."""
        out = []
        for gateway in gateways:
            why = gateway.missing()
            if why:
                self.remark(f"skipped: {gateway.name}: {why}")
            else:
                out.append(gateway)
        return out

    def interleave(self, title, rounds, gateways, measure):
        """A B C A B C ...: all gateways see the same moods of the machine. A gateway that fails is left out from then on."""
        gone = set()
        for number in range(rounds):
            self.say(f"{title}: round {number + 1} of {rounds}")
            for gateway in gateways:
                if gateway.name in gone:
                    continue
                try:
                    measure(gateway)
                except Failed as e:
                    gone.add(gateway.name)
                    self.remark(f"FAILED: {title}: {gateway.name}: {e}")
                    self.results.setdefault("failures", {}).setdefault(gateway.name, []).append(f"{title}: {e}")

    @contextlib.contextmanager
    def site(self, port=None, **options):
        """A pty, a folder and a port for one run of one gateway."""
        self._sites += 1
        folder = os.path.join(self.folder, f"site-{self._sites}")
        os.mkdir(folder)
        with Pty() as pty, Nursery(folder) as nursery:
            site = Site(folder, pty.device, port or free_port(), **options)
            site.pty, site.nursery = pty, nursery
            yield site

    def load(self, site, *words, command=None, fds=(), pin=None, patience=60):
        """Runs bench-load; its figures."""
        argv = [self.tools.load, words[0], "--deadline", str(patience)]
        argv += [str(w) for w in words[1:]] + ["--master", str(site.pty.master)]
        if pin is not None:
            argv = ["taskset", "-c", str(pin)] + argv
        if command:
            argv += ["--"] + command
        child = site.nursery.start(argv, pass_fds=(site.pty.master, *fds), stdout=subprocess.PIPE)
        code, out = child.wait(patience + 5)
        said = child.log_tail()
        site.nursery.stop(child)
        if code != 0:
            raise Failed(said)
        return json.loads(out)


def connect(site, process, seconds=5):
    """A connection to the gateway's port once it listens."""
    def attempt():
        process.must_run()
        s = socket.socket()
        try:
            s.connect(("127.0.0.1", site.port))
        except OSError:
            s.close()
            return None
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        os.set_blocking(s.fileno(), True)
        return s
    return wait_until(f"{process.name} listening on port {site.port}", seconds, attempt)
