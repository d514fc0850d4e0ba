"""Processes, ports and pseudo terminals the benchmark starts, and what /proc says about them."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
import tty


class Failed(Exception):
    """Something did not happen: the text says what, and what to do."""


def program(name):
    """Where a program is; the sbin folders are not on everybody's PATH."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    return shutil.which(name, path=path)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(what, seconds, condition, step=0.002):
    """The first true answer of condition(); Failed after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {seconds:g} s")
        time.sleep(step)


class Pty:
    """A serial line: the gateway opens `device`, the load generator has `master`.

    Our own slave end stays open, so that the line does not hang up between two gateways.
    """

    def __init__(self):
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.device = os.ttyname(self._slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.master)
        os.close(self._slave)


class Process:
    """A program in a session of its own; stop() ends everything in it."""

    def __init__(self, argv, log_path, pass_fds=(), stdout=None):
        self.name = os.path.basename(argv[0])
        self.log_path = log_path
        with open(log_path, "ab") as log:
            self._popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=stdout or log, stderr=log,
                                           pass_fds=pass_fds, start_new_session=True)
        self.pid = self._popen.pid

    def running(self):
        return self._popen.poll() is None

    def must_run(self):
        if not self.running():
            raise Failed(f"{self.name} exited with code {self._popen.returncode}: {self.log_tail()}")

    def log_tail(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()[-800:].strip() or "it said nothing"

    def wait(self, seconds):
        """(exit code, what it printed), or Failed."""
        try:
            out, _ = self._popen.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            raise Failed(f"{self.name} did not end within {seconds:g} s") from None
        return self._popen.returncode, (out or b"").decode()

    def pids(self):
        """Every process of the session: a pipe of two programs counts as both."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                fields = _stat(entry)
                if fields and int(fields[3]) == self.pid and fields[0] != "Z":
                    found.append(int(entry))
        return sorted(found)

    def pin(self, cpus):
        for pid in self.pids():
            for task in _listdir(f"/proc/{pid}/task"):
                try:
                    os.sched_setaffinity(int(task), cpus)
                except ProcessLookupError:
                    pass

    def stop(self):
        members = set(self.pids())
        for sig, patience in ((signal.SIGTERM, 2.0), (signal.SIGKILL, 5.0)):
            members.update(self.pids())
            for pid in self.pids():
                _kill(pid, sig)
            try:
                self._popen.wait(timeout=patience)
            except subprocess.TimeoutExpired:
                continue
            end = time.monotonic() + 0.5
            while self.pids() and time.monotonic() < end:
                time.sleep(0.002)
            if not self.pids():
                break
        if self._popen.stdout:
            self._popen.stdout.close()
        for pid in members - {self.pid}:
            _reap(pid)


class Nursery:
    """Starts processes and ends whatever is left of them, however the block is left."""

    def __init__(self, folder):
        self.folder = folder
        self._children = []
        self._count = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for child in reversed(self._children):
            child.stop()

    def start(self, argv, **options):
        self._count += 1
        log = os.path.join(self.folder, f"{self._count:03d}-{os.path.basename(argv[0])}.log")
        child = Process(argv, log, **options)
        self._children.append(child)
        return child

    def stop(self, child):
        child.stop()
        self._children.remove(child)


def adopt_orphans():
    """What our children leave behind becomes ours to wait for: not everywhere is there an init that does."""
    pr_set_child_subreaper = 36
    ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def memory(pids):
    """RSS and PSS in KiB and the number of threads, summed over the processes."""
    rss = pss = threads = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
            for line in f:
                if line.startswith("Rss:"):
                    rss += int(line.split()[1])
                elif line.startswith("Pss:"):
                    pss += int(line.split()[1])
        threads += len(_listdir(f"/proc/{pid}/task"))
    return {"rss_kib": rss, "pss_kib": pss, "threads": threads, "processes": len(pids)}


def cpu_seconds(pids):
    """The processor time of the processes so far, of all their threads."""
    ticks = os.sysconf("SC_CLK_TCK")
    found = [_stat(pid) for pid in pids]
    return sum((int(f[11]) + int(f[12])) / ticks for f in found if f)


def voluntary_switches(pids):
    """How often the threads of the processes went to sleep so far: once per wake-up."""
    total = 0
    for pid in pids:
        for task in _listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8", errors="replace") as f:
                for line in f:
                    if line.startswith("voluntary_ctxt_switches:"):
                        total += int(line.split()[1])
    return total


def busy_share(seconds):
    """How busy the machine is now, 0 to 1."""
    def ticks():
        with open("/proc/stat", encoding="ascii") as f:
            fields = [int(x) for x in f.readline().split()[1:9]]
        return sum(fields), fields[3] + fields[4]
    total, idle = ticks()
    time.sleep(seconds)
    total2, idle2 = ticks()
    return 1.0 - (idle2 - idle) / max(1, total2 - total)


def _listdir(path):
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []


def _stat(pid):
    """The fields of /proc/PID/stat from the state on; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            return f.read().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _kill(pid, sig):
    try:
        os.kill(pid, sig)
    except ProcessLookupError:
        pass


def _reap(pid):
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
