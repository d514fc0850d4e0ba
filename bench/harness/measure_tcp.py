"""Port <-> TCP, raw bytes."""

import os
import re
import signal

from .bench import connect
from .gateways import tcp_gateways
from .processes import Failed, program, wait_until

SECTION = "tcp"


def run(bench):
    gateways = bench.usable(tcp_gateways(bench.tools))
    bench.interleave("port <-> TCP", bench.scale.rounds, gateways, lambda g: one_round(bench, g))
    _system_calls(bench, gateways)


def one_round(bench, gateway):
    scale = bench.scale
    with bench.site() as site:
        first = bench.load(site, "first-byte", "--port", site.port, command=gateway.argv(site), patience=10)
        bench.add(SECTION, gateway.name, {"first_byte_ms": first["ms"]})
    with bench.site() as site:
        process = site.nursery.start(gateway.argv(site))
        with connect(site, process) as tcp:
            fd = tcp.fileno()
            _pingpong(bench, site, fd, scale.warm_up)
            pids = process.pids()
            free = _pingpong(bench, site, fd, scale.round_trips, pids)
            bench.add(SECTION, gateway.name, free)
            for to, metric in (("serial", "to_serial_mb_s"), ("tcp", "from_serial_mb_s")):
                got = bench.load(site, "stream", "--to", to, "--bytes", scale.stream_bytes, "--tcp", fd, fds=(fd,))
                bench.add(SECTION, gateway.name, {metric: got["mb_per_s"]})
            # CPUs that halt hide the programs behind the cost of waking them (most of all in a virtual machine): once
            # more with CPUs that stay awake. Only the median: the tail is then the scheduler's.
            spinner = site.nursery.start([bench.tools.load, "keep-awake", "--seconds", "30"])
            awake = _pingpong(bench, site, fd, scale.round_trips, pids)
            site.nursery.stop(spinner)
            bench.add(SECTION, gateway.name, {"awake_rtt_p50_us": awake["rtt_p50_us"],
                                              "awake_cpu_us_per_msg": awake["cpu_us_per_msg"]})
            cpu = max(os.sched_getaffinity(0))
            process.pin({cpu})
            pinned = _pingpong(bench, site, fd, scale.round_trips, pids, pin=cpu)
            bench.add(SECTION, gateway.name, {f"pinned_{k}": v for k, v in pinned.items()})


def _pingpong(bench, site, fd, count, pids=(), pin=None):
    words = ["pingpong", "--tcp", fd, "--count", count]
    if pids:
        words += ["--pids", ",".join(map(str, pids))]
    return bench.load(site, *words, fds=(fd,), pin=pin)


def _system_calls(bench, gateways):
    """Counted by strace over two runs of different lengths: the difference leaves the start and the end out."""
    if not program("strace"):
        bench.remark("skipped: system calls per message: strace not found: apt-get install strace")
        return
    bench.say("port <-> TCP: system calls per message")
    short, long = bench.scale.strace_counts
    for gateway in gateways:
        try:
            with bench.site() as site:
                process = site.nursery.start(gateway.argv(site))
                with connect(site, process) as tcp:
                    _pingpong(bench, site, tcp.fileno(), 50)
                    calls = [_traced(bench, site, process, tcp.fileno(), n) for n in (short, long)]
            bench.add(SECTION, gateway.name, {"syscalls_per_msg": (calls[1] - calls[0]) / (2.0 * (long - short))})
        except Failed as e:
            bench.remark(f"no system call count of {gateway.name}: {e}")


def _traced(bench, site, process, fd, count):
    """System calls of the gateway during `count` round trips (and the few around them)."""
    summary = os.path.join(site.folder, f"strace-{count}")
    argv = [program("strace"), "-c", "-f", "-o", summary]
    for pid in process.pids():
        argv += ["-p", str(pid)]
    strace = site.nursery.start(argv)

    def attached():
        if not strace.running():
            raise Failed(f"strace cannot attach (kernel.yama.ptrace_scope? run as root): {strace.log_tail()}")
        return all(_tracer(pid, task) == strace.pid
                   for pid in process.pids() for task in os.listdir(f"/proc/{pid}/task"))
    wait_until("strace attached", 5, attached)
    _pingpong(bench, site, fd, count)
    os.kill(strace.pid, signal.SIGINT)
    strace.wait(5)
    site.nursery.stop(strace)
    with open(summary, encoding="ascii") as f:
        text = f.read()
    total = re.search(r"^\s*100\.00\s+\S+\s+(?:\d+\s+)?(\d+)(?:\s+\d+)?\s+total$", text, re.MULTILINE)
    if not total:
        raise Failed(f"strace printed no total:\n{text[-300:]}")
    return int(total.group(1))


def _tracer(pid, task):
    with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8", errors="replace") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("TracerPid:"))
