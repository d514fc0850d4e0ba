#!/usr/bin/env python3
"""The main job, shown: a simulated board with two ports, a private MQTT broker, and dtud between them.

  port 1  a meter that speaks DTU command frames  <->  MQTT broker
  port 2  a meter that sends plain lines          <->  TCP server inside dtud

Run it as ./dev demo. It ends by itself; with --keep it goes on until Ctrl-C and prints what to try.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zlib

TOPIC_UP, TOPIC_DOWN = "demo/meter/up", "demo/meter/down"
PROBES = 400


class Trouble(Exception):
    pass


def show(text, colour=""):
    tty = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    print(f"\033[{colour}m{text}\033[0m" if tty and colour else text, flush=True)


def head(text):
    show(f"\n{text}", "1")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, check, seconds=10.0):
    """Asks again and again until check() gives something; the pauses are short and only between tries."""
    end = time.monotonic() + seconds
    while True:
        result = check()
        if result:
            return result
        if time.monotonic() > end:
            raise Trouble(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(0.01)


class Lines:
    """The lines a process prints, each taken once."""

    def __init__(self, process):
        self.lines, self.ready = [], threading.Condition()
        self.thread = threading.Thread(target=self.read, args=(process.stdout,), daemon=True)
        self.thread.start()

    def read(self, stream):
        for line in stream:
            with self.ready:
                self.lines.append(line.rstrip("\n"))
                self.ready.notify_all()

    def next(self, what, wanted=lambda line: True, seconds=10.0):
        end = time.monotonic() + seconds
        with self.ready:
            while True:
                while self.lines:
                    line = self.lines.pop(0)
                    if wanted(line):
                        return line
                left = end - time.monotonic()
                if left <= 0 or not self.ready.wait(left):
                    raise Trouble(f"{what} was not received within {seconds:.0f} s")


class Demo:
    def __init__(self, build, folder):
        self.bin = os.path.join(build, "bin")
        self.folder = folder
        self.processes = []
        self.broker_port, self.tcp_port = free_port(), free_port()
        self.control = os.path.join(folder, "control.sock")
        self.log = open(os.path.join(folder, "log"), "w", encoding="utf-8")

    def run(self, *words, **options):
        process = subprocess.Popen(words, text=True, start_new_session=True, **options)
        self.processes.append(process)
        return process

    def stop(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.log.close()

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(content if isinstance(content, str) else json.dumps(content, indent=2))
        return path

    def start_broker(self):
        conf = self.write("mosquitto.conf", f"listener {self.broker_port} 127.0.0.1\nallow_anonymous true\n"
                                            "persistence false\nset_tcp_nodelay true\n")
        broker = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self.run(broker, "-c", conf, stdout=self.log, stderr=self.log)

        def accepts():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.broker_port)) == 0

        wait_for("the broker's start", accepts)

    def start_dtud(self):
        self.ports = {n: os.path.join(self.folder, "port" + n) for n in "12"}
        board = self.write("board.json", {
            "hal": [{"type": "sim", "ports": {n: {"link": path} for n, path in self.ports.items()}, "drift": True}],
            "device_file": os.path.join(self.folder, "dtu_config.json"),
            "state_dir": os.path.join(self.folder, "state"),
            "control": {"socket": self.control}})
        self.write("dtu_config.json", {
            "work_mode": "command",
            "uconf": {"1": {"baudrate": "115200"}, "2": {"baudrate": "115200", "mode": "raw"}},
            "conf": {
                "1": {"protocol": "mqtt", "clientID": "", "url": "127.0.0.1", "port": str(self.broker_port),
                      "publish": {"0": TOPIC_UP}, "subscribe": {"0": TOPIC_DOWN}, "qos": "1", "serialID": "1"},
                "2": {"protocol": "tcp", "mode": "server", "url": "127.0.0.1", "port": self.tcp_port,
                      "serialID": "2"}}})
        begun = time.monotonic()
        self.dtud = self.run(os.path.join(self.bin, "dtud"), "--board", board, stdout=self.log, stderr=self.log)

        def up():
            if self.dtud.poll() is not None:
                raise Trouble("dtud ended; its log is " + self.log.name)
            channels = self.ask("channels") or []
            return len(channels) == 2 and all(c["state"] == "up" for c in channels)

        wait_for("dtud's connection to the broker", up)
        return time.monotonic() - begun

    def ask(self, *words):
        done = subprocess.run([os.path.join(self.bin, "dtuctl"), "--socket", self.control, "--json", *words],
                              capture_output=True, text=True, timeout=20)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def subscriber(self, *format_words):
        process = self.run("mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.broker_port), "-q", "1", "-t", TOPIC_UP,
                           *format_words, stdout=subprocess.PIPE, stderr=self.log)
        return Lines(process)

    def publish(self, message):
        subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.broker_port), "-q", "1", "-t", TOPIC_DOWN,
                        "-m", message], check=True, timeout=10)

    def meter(self, *words):
        return self.run(os.path.join(self.bin, "dtu-sim"), "meter", *words, stdout=subprocess.PIPE, stderr=self.log)


def is_reading(line):
    return '"data"' in line and '"cmd_code"' not in line


def show_uplink(up):
    head("Readings travel serial -> DTU frame -> MQTT (QoS 1)")
    for _ in range(4):
        show(f"  {TOPIC_UP}  {up.next('a reading at the broker', is_reading)}", "32")


def show_commands(demo, up):
    head("The cloud asks; dtud answers")
    for name, code in (("signal", 3), ("IMEI", 0), ("IMEI, the older numbering", "0x00")):
        request = json.dumps({"msg_id": f"demo-{code}", "cmd_code": code})
        demo.publish(request)
        answer = up.next(f"the answer to {name}", lambda line: '"cmd_code"' in line and f'"demo-{code}"' in line)
        show(f"  {name:26} -> {request}")
        show(f"  {'':26} <- {answer}", "32")


def show_downlink(demo, meter):
    head("The cloud sends to the serial line; the meter there answers")
    demo.publish(json.dumps({"msg_id": "demo-read", "data": "read"}))
    show("  meter on port 1: " + meter.next("the message on the serial line", lambda line: "read" in line), "32")


def show_tcp(demo):
    head("Port 2, plain lines, to a TCP client")
    with socket.create_connection(("127.0.0.1", demo.tcp_port), 5) as s:
        for _ in range(2):
            show("  tcp: " + s.makefile("r").readline().rstrip(), "32")


def frame(payload):
    return b"1,0,%d,%d,%s" % (len(payload), zlib.crc32(payload), payload)


def subscribed(up, port):
    """A new subscriber hears nothing until the broker knows it: probe until it does."""
    for _ in range(50):
        os.write(port, frame(b"ready?"))
        try:
            return up.next("the subscription", lambda text: "ready?" in text, 0.2)
        except Trouble:
            pass
    raise Trouble("the subscriber received nothing")


def measure(demo):
    """Serial write to MQTT subscriber, one message at a time, in microseconds."""
    up = demo.subscriber("-F", "%U %p")
    port = os.open(demo.ports["1"], os.O_WRONLY | os.O_NOCTTY)
    latencies = []
    try:
        subscribed(up, port)
        for i in range(PROBES):
            mark = f"probe-{i}-"
            sent = time.time()
            os.write(port, frame(f"{mark}{'x' * (64 - len(mark))}".encode()))
            line = up.next("a probe", lambda text: mark in text)
            latencies.append((float(line.split(" ", 1)[0]) - sent) * 1e6)
    finally:
        os.close(port)
    latencies.sort()
    return latencies[len(latencies) // 2], latencies[len(latencies) * 99 // 100]


def summary(demo, ready_s, p50, p99):
    status, channels, ports = demo.ask("status"), demo.ask("channels"), demo.ask("ports")
    # The TCP server of channel 2 discards readings while no client is connected. This demo connects one later.
    unheard = sum(c["outbox"]["no_receiver"] for c in channels)
    lost = sum(c["outbox"]["dropped"] + c["outbox"]["rejected"] for c in channels) + sum(p["dropped"] for p in ports)
    head("Summary")
    for c in channels:
        show(f"  channel {c['id']} ({c['type']}): {c['outbox']['delivered']} messages confirmed, "
             f"{c['rx_messages']} received")
    show(f"  lost: {lost - unheard}; discarded before the TCP client was there: {unheard}")
    show(f"  serial -> MQTT subscriber, {PROBES} probes of 64 bytes: p50 {p50:.0f} us, p99 {p99:.0f} us")
    show(f"  dtud: {status['rss_kib'] / 1024:.1f} MiB resident, {status['threads']} threads, "
         f"connected {ready_s * 1000:.0f} ms after its start")


def hints(demo):
    ctl = f"{os.path.join(demo.bin, 'dtuctl')} --socket {demo.control}"
    broker = f"-h 127.0.0.1 -p {demo.broker_port}"
    head("Running until Ctrl-C. Try, in another terminal:")
    for line in (f"{ctl} status", f"{ctl} tap channel:1", f"{ctl} call radio.csq", f"{ctl} points",
                 f"mosquitto_sub {broker} -t '{TOPIC_UP}'",
                 f"mosquitto_pub {broker} -t {TOPIC_DOWN} -m '{{\"msg_id\": 1, \"cmd_code\": 3}}'",
                 f"mosquitto_pub {broker} -t {TOPIC_DOWN} -m '{{\"msg_id\": 2, \"data\": \"read\"}}'",
                 f"nc 127.0.0.1 {demo.tcp_port}"):
        show("  " + line)
    show(f"  logs and configuration: {demo.folder}")


def run(demo, keep):
    head("Starting a private broker, a simulated board and dtud")
    demo.start_broker()
    ready_s = demo.start_dtud()
    show(f"  broker on 127.0.0.1:{demo.broker_port}, TCP on 127.0.0.1:{demo.tcp_port}; "
         f"channels up after {ready_s * 1000:.0f} ms")
    up = demo.subscriber()
    frames = Lines(demo.meter("--port", demo.ports["1"], "--mode", "frames", "--channel", "1", "--topic", "0",
                              "--every", "250", "--format", "json"))
    demo.meter("--port", demo.ports["2"], "--mode", "lines", "--every", "250")
    show_uplink(up)
    show_commands(demo, up)
    show_downlink(demo, frames)
    show_tcp(demo)
    head(f"Measuring: {PROBES} probes")
    p50, p99 = measure(demo)
    summary(demo, ready_s, p50, p99)
    if keep:
        hints(demo)
        while demo.dtud.poll() is None:
            time.sleep(0.5)
        raise Trouble("dtud ended; its log is " + demo.log.name)


def interrupted(_number, _frame):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="where dtud was built")
    parser.add_argument("--keep", action="store_true", help="continue until Ctrl-C")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, interrupted)
    folder = tempfile.mkdtemp(prefix="dtukit-demo-")
    demo = Demo(os.path.abspath(args.build), folder)
    try:
        run(demo, args.keep)
        return 0
    except KeyboardInterrupt:
        show("\nstopping")
        return 0 if args.keep else 130
    except (Trouble, OSError, subprocess.SubprocessError) as e:
        show(f"\ndemo: {e}", "31")
        demo.log.flush()
        with open(demo.log.name, encoding="utf-8", errors="replace") as f:
            sys.stdout.writelines("  log: " + line for line in f.readlines()[-15:])
        return 1
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        demo.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
