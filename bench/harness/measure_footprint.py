"""What a gateway costs while nothing happens: memory, threads, wake-ups."""

import contextlib
import time

from . import broker
from .bench import connect
from .gateways import mqtt_gateways, tcp_gateways
from .processes import Failed, Nursery, memory, voluntary_switches

SECTION = "footprint"


def run(bench):
    """All of them idle side by side: the wait is spent once."""
    with contextlib.ExitStack() as stack:
        idle = []
        for gateway in bench.usable([g for g in tcp_gateways(bench.tools) if g.name != "ser2net tuned"]):
            _try(bench, idle, f"{gateway.name}, TCP", lambda g=gateway: _tcp(bench, stack, g))
        if broker.missing():
            bench.remark(f"skipped: footprint over MQTT: {broker.missing()}")
        else:
            nursery = stack.enter_context(Nursery(bench.folder))
            listening = broker.start(bench, nursery)
            for gateway in bench.usable([g for g in mqtt_gateways(bench.tools) if not g.floor]):
                _try(bench, idle, f"{gateway.name}, TLS", lambda g=gateway: _mqtt(bench, stack, g, listening))
        bench.say(f"footprint: {len(idle)} gateways idle for {bench.scale.settle_s:g} s + {bench.scale.idle_s:g} s")
        time.sleep(bench.scale.settle_s)
        before = [(name, p, voluntary_switches(p.pids()), time.monotonic()) for name, p in idle]
        time.sleep(bench.scale.idle_s)
        for name, process, switches, since in before:
            process.must_run()
            pids = process.pids()
            woken = (voluntary_switches(pids) - switches) / (time.monotonic() - since)
            bench.add(SECTION, name, {**memory(pids), "wakeups_per_s": woken})


def _try(bench, idle, name, start):
    try:
        idle.append((name, start()))
    except Failed as e:
        bench.remark(f"FAILED: footprint: {name}: {e}")
        bench.results.setdefault("failures", {}).setdefault(name, []).append(f"footprint: {e}")


def _tcp(bench, stack, gateway):
    """Carried something once, then idle with the connection open."""
    site = stack.enter_context(bench.site())
    process = site.nursery.start(gateway.argv(site))
    tcp = stack.enter_context(connect(site, process))
    bench.load(site, "pingpong", "--tcp", tcp.fileno(), "--count", 100, fds=(tcp.fileno(),))
    return process


def _mqtt(bench, stack, gateway, listening):
    """Connected over TLS and carried something once."""
    site = stack.enter_context(bench.site(port=listening.tls_port, tls_ca=listening.ca, qos=1))
    process = site.nursery.start(gateway.argv(site))
    bench.load(site, "lines", "--broker", listening.port, "--topic", site.topic, "--rate", 1000, "--count", 100,
               patience=10)
    return process
