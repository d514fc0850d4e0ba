"""The programs under test: how each is started, and where it comes from."""

import json
import os
import shlex

from .processes import program

DTUD = "dtud"


class Gateway:
    """A way to carry a serial line. `argv(site)` is the command; `site` says where (class Site)."""

    def __init__(self, name, argv, needs=(), packages=(), floor=False):
        self.name = name
        self.argv = argv
        self.needs = needs  # programs
        self.packages = packages
        self.floor = floor  # a yardstick, not a gateway one would use

    def missing(self):
        """Why it cannot run here, or None."""
        absent = [n for n in self.needs if not (program(n) or os.path.isfile(n))]
        if not absent:
            return None
        if self.packages:
            return f"{', '.join(absent)} not found: apt-get install {' '.join(self.packages)}"
        return f"{', '.join(absent)} not built: ./dev build"


class Site:
    """What one run of a gateway is given."""

    def __init__(self, folder, device, port, topic="bench/up", qos=0, tls_ca=None):
        self.folder = folder  # its own, empty
        self.device = device
        self.port = port  # to listen on, or the broker's
        self.topic = topic
        self.qos = qos
        self.tls_ca = tls_ca

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path


def tcp_gateways(tools):
    return [
        Gateway("floor (poll relay)", lambda s: [tools.relay, s.device, str(s.port)], needs=[tools.relay], floor=True),
        Gateway("gensiot", lambda s: [program("gensiot"), "-i", f"serialdev(nouucplock),{s.device},115200n81,local",
                                      "--server", "-a", f"tcp,127.0.0.1,{s.port}"],
                needs=["gensiot"], packages=["gensio-bin"]),
        Gateway("socat", lambda s: [program("socat"), "-b65536", f"TCP-LISTEN:{s.port},bind=127.0.0.1,reuseaddr",
                                    f"{s.device},raw,echo=0"],
                needs=["socat"], packages=["socat"]),
        Gateway("ser2net", lambda s: _ser2net(s, "tcp", ""), needs=["ser2net"], packages=["ser2net"]),
        Gateway("ser2net tuned", lambda s: _ser2net(s, "tcp(nodelay)", "  options:\n    chardelay: false\n"),
                needs=["ser2net"], packages=["ser2net"]),
        Gateway(DTUD, lambda s: _dtud(tools, s, {"mode": "raw"},
                                      {"protocol": "tcp", "mode": "server", "url": "127.0.0.1", "port": s.port,
                                       "serialID": "1"}),
                needs=_dtud_needs(tools, "hal-linux", "command-dtu", "channel-tcp")),
    ]


def mqtt_gateways(tools):
    return [
        # maxInflight far above what is ever on the way: at the limit Paho C 1.3.12 sleeps up to a second at a time.
        Gateway("bare Paho", lambda s: [tools.paho, s.device, str(s.port), s.topic, str(s.qos), "65535"],
                needs=[tools.paho], floor=True),
        Gateway("socat | mosquitto_pub", _pipe, needs=["socat", "mosquitto_pub"],
                packages=["socat", "mosquitto-clients"]),
        Gateway(DTUD, lambda s: _dtud(tools, s, {"mode": "raw", "packet": {"delimiter": "\n"}}, _mqtt_channel(s)),
                needs=_dtud_needs(tools, "hal-linux", "command-dtu", "channel-mqtt")),
    ]


def overloaded_dtud(tools, policy, flooded):
    """Two links: the one that is measured, and one from the line `flooded.device` to the server at `flooded.port`."""
    lines = {"mode": "raw", "packet": {"delimiter": "\n"}}
    return Gateway(f"{DTUD}, {policy}",
                   lambda s: _dtud(tools, s, {"mode": "raw"},
                                   {"protocol": "tcp", "mode": "server", "url": "127.0.0.1", "port": s.port,
                                    "serialID": "1"},
                                   (flooded.device, lines,
                                    {"protocol": "tcp", "url": "127.0.0.1", "port": flooded.port, "serialID": "2",
                                     "outbox": {"overflow": policy}})),
                   needs=_dtud_needs(tools, "hal-linux", "command-dtu", "channel-tcp"))


def storing_dtud(tools, mode, away):
    """Two links: the one that is measured, and one from the line `away.device` to the server at `away.port`."""
    lines = {"mode": "raw", "packet": {"delimiter": "\n"}}
    return Gateway(f"{DTUD}, {mode}",
                   lambda s: _dtud(tools, s, {"mode": "raw"},
                                   {"protocol": "tcp", "mode": "server", "url": "127.0.0.1", "port": s.port,
                                    "serialID": "1"},
                                   (away.device, lines,
                                    {"protocol": "tcp", "url": "127.0.0.1", "port": away.port, "serialID": "2",
                                     "reconnect": {"min_ms": 100, "max_ms": 200}, "offline_storage": mode,
                                     "outbox": {"overflow": "block", "disk_bytes": 1 << 30, "disk_messages": 10_000_000}})),
                   needs=_dtud_needs(tools, "hal-linux", "command-dtu", "channel-tcp"))


def eventful_dtud(tools, name):
    """One link, and beside it publishers of events and ten subscribers; the last holds each for 50 ms."""
    def commands():
        hears = {"hears": ["crowd."]}
        return ([{"type": t} for t in ("main-1", "own-1", "main-7")] +
                [{"type": f"{lane}-{n}", **hears} for n in (2, 3, 4, 5) for lane in ("main", "own")] +
                [{"type": "main-6", **hears}, {"type": "own-7", **hears, "holds_ms": 50, "holds": 1_000_000}])
    return Gateway(name, lambda s: _dtud(tools, s, {"mode": "raw"},
                                         {"protocol": "tcp", "mode": "server", "url": "127.0.0.1", "port": s.port,
                                          "serialID": "1"},
                                         commands=commands(), plugins=[tools.plugins, os.path.dirname(tools.crowd)]),
                   needs=_dtud_needs(tools, "hal-linux", "command-dtu", "channel-tcp") + [tools.crowd])


def measuring_dtud(tools, name, broker_port):
    """One link, and beside it a line with a thousand values a second to a broker, and a channel for commands and events."""
    def mqtt(topic, more):
        return {"protocol": "mqtt", "url": "127.0.0.1", "port": broker_port, "qos": 1, "publish": {"0": topic}, **more}

    def argv(site):
        links = {"1": ({"mode": "raw"}, {"protocol": "tcp", "mode": "server", "url": "127.0.0.1", "port": site.port,
                                         "serialID": "1"}),
                 "9": ({"mode": "raw", "packet": {"delimiter": "\n"}}, mqtt(site.topic + "/values", {"serialID": "9"})),
                 "10": ({}, mqtt(site.topic + "/answers", {"subscribe": {"0": site.topic + "/orders"}}))}
        hals = [{"type": "linux", "ports": {"1": {"device": site.device}}}, {"type": "registers"}]
        return _run(tools, site, links, hals, document={"work_mode": "command", "events": ["org.dtukit.bench."]},
                    plugins=[tools.plugins, os.path.dirname(tools.registers)])
    return Gateway(name, argv, needs=_dtud_needs(tools, "hal-linux", "command-dtu", "channel-tcp", "channel-mqtt") +
                   [tools.registers])


def _dtud_needs(tools, *plugins):
    """dtud, and in a build folder its plugins; an installed one knows where they are."""
    folder = os.path.join(os.path.dirname(os.path.dirname(tools.dtud)), "plugins")
    return [tools.dtud] + ([os.path.join(folder, f"{p}.so") for p in plugins] if os.path.isdir(folder) else [])


def _ser2net(site, accepter, options):
    config = site.write("ser2net.yaml", "%YAML 1.1\n---\nconnection: &bench\n"
                        f"  accepter: {accepter},127.0.0.1,{site.port}\n"
                        f"  connector: serialdev(nouucplock),{site.device},115200n81,local\n{options}")
    return [program("ser2net"), "-n", "-u", "-c", config]


def _pipe(site):
    reader = [program("socat"), "-u", "-b65536", f"{site.device},raw,echo=0", "STDOUT"]
    sender = [program("mosquitto_pub"), "-l", "-h", "127.0.0.1", "-p", str(site.port), "-t", site.topic,
              "-q", str(site.qos)]
    if site.tls_ca:
        sender += ["--cafile", site.tls_ca]
    return ["/bin/sh", "-c", f"{shlex.join(reader)} | {shlex.join(sender)}"]


def _mqtt_channel(site):
    channel = {"protocol": "mqtt", "url": "127.0.0.1", "port": site.port, "publish": {"0": site.topic},
               "qos": site.qos, "serialID": "1"}
    if site.tls_ca:
        channel["tls"] = {"ca": site.tls_ca}
    return channel


def _dtud(tools, site, uconf, channel, *more, commands=(), plugins=()):
    """`more`: (device, uconf, channel) of further links. `commands`: further ones; `plugins`: folders, if others."""
    links = {str(n): link for n, link in enumerate([(site.device, uconf, channel), *more], 1)}
    hals = [{"type": "linux", "ports": {n: {"device": link[0]} for n, link in links.items()}}]
    return _run(tools, site, {n: link[1:] for n, link in links.items()}, hals, commands, plugins)


def _run(tools, site, links, hals, commands=(), plugins=(), document=None):
    """`links`: (uconf, channel) by id; `document`: further keys of the device document."""
    device = site.write("dtu_config.json", json.dumps({"work_mode": "through",
                                                       "uconf": {n: link[0] for n, link in links.items() if link[0]},
                                                       "conf": {n: link[1] for n, link in links.items()},
                                                       **(document or {})}, indent=1))
    board = {"hal": hals, "commands": [{"type": "dtu"}, *commands],
             "state_dir": site.folder, "device_file": device,
             "control": {"socket": os.path.join(site.folder, "control.sock")}}
    if plugins:
        board["plugin_path"] = list(plugins)
    return [tools.dtud, "--board", site.write("board.json", json.dumps(board, indent=1))]
