"""What every demonstration has: a private broker, dtud with its documents, processes that end with it."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time

TOPIC_UP, TOPIC_DOWN = "demo/meter/up", "demo/meter/down"


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

    def mqtt(self):
        return {"protocol": "mqtt", "clientID": "", "url": "127.0.0.1", "port": str(self.broker_port),
                "publish": {"0": TOPIC_UP}, "subscribe": {"0": TOPIC_DOWN}, "qos": "1", "serialID": "1"}

    def start_dtud(self, hal, device):
        board = self.write("board.json", {
            "hal": hal,
            "device_file": os.path.join(self.folder, "dtu_config.json"),
            "state_dir": os.path.join(self.folder, "state"),
            "control": {"socket": self.control}})
        self.write("dtu_config.json", device)
        begun = time.monotonic()
        self.dtud = self.run(os.path.join(self.bin, "dtud"), "--board", board, stdout=self.log, stderr=self.log)

        def up():
            if self.dtud.poll() is not None:
                raise Trouble("dtud ended; its log is " + self.log.name)
            channels = self.ask("channels") or []
            return len(channels) == len(device["conf"]) and all(c["state"] == "up" for c in channels)

        wait_for("dtud's connection to the broker", up)
        return time.monotonic() - begun

    def ctl(self, *words):
        return [os.path.join(self.bin, "dtuctl"), "--socket", self.control, *words]

    def ask(self, *words):
        done = subprocess.run(self.ctl("--json", *words), capture_output=True, text=True, timeout=20)
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


def stay(demo):
    while demo.dtud.poll() is None:
        time.sleep(0.5)
    raise Trouble("dtud ended; its log is " + demo.log.name)
