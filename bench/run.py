#!/usr/bin/env python3
"""Measures dtud side by side with what Debian offers, in interleaved rounds, and says which targets it meets.

  bench/run.py                        everything, under 6 minutes
  bench/run.py --quick                fewer and shorter rounds, under a minute: for a first look
  bench/run.py --only tcp --json r.json

Exit code: 0 no target missed, 1 a target missed, 2 the benchmark itself could not run.
"""

import argparse
import collections
import os
import shutil
import signal
import sys
import tempfile

from harness import (measure_events, measure_footprint, measure_mqtt, measure_overload, measure_storage, measure_tcp,
                     measure_values, report)
from harness.bench import Bench, Tools
from harness.processes import Failed, adopt_orphans, busy_share

Scale = collections.namedtuple("Scale", "rounds warm_up round_trips stream_bytes strace_counts steady_lines flat_lines "
                                        "settle_s idle_s stored_lines")
FULL = Scale(rounds=5, warm_up=500, round_trips=8000, stream_bytes=32 << 20, strace_counts=(200, 1200),
             steady_lines=2000, flat_lines=50000, settle_s=2.0, idle_s=10.0, stored_lines=1_000_000)
QUICK = Scale(rounds=2, warm_up=200, round_trips=3000, stream_bytes=8 << 20, strace_counts=(100, 400),
              steady_lines=700, flat_lines=15000, settle_s=1.0, idle_s=3.0, stored_lines=300_000)
PARTS = {"tcp": measure_tcp.run, "mqtt": measure_mqtt.run, "footprint": measure_footprint.run,
         "overload": measure_overload.run, "storage": measure_storage.run,
         "events": measure_events.run, "values": measure_values.run}
HERE = os.path.dirname(os.path.abspath(__file__))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds; too noisy to decide by")
    parser.add_argument("--only", choices=sorted(PARTS), action="append", help="one part (may be repeated)")
    parser.add_argument("--rounds", type=int, help="instead of 5 (2 with --quick)")
    parser.add_argument("--json", metavar="FILE", help="write every figure of every round there")
    parser.add_argument("--dtud", metavar="FILE", help="the dtud to measure (default: build/release/bin/dtud, else build/bench)")
    parser.add_argument("--tools", metavar="DIR", help="where bench-load is (default: build/bench/bin)")
    parser.add_argument("--keep", action="store_true", help="keep the temporary folder with logs and configurations")
    return parser.parse_args()


def find_tools(args):
    root = os.path.dirname(HERE)
    folder = args.tools or os.path.join(root, "build", "bench", "bin")
    built = [os.path.join(root, "build", preset, "bin", "dtud") for preset in ("release", "bench")]
    dtud = args.dtud or next((p for p in built if os.path.exists(p)), built[0])
    tools = Tools(folder, os.path.abspath(dtud))
    if not os.path.exists(tools.load):
        raise Failed(f"{tools.load} is not built: "
                     "cmake --preset bench && cmake --build --preset bench --target bench-load bench-relay bench-paho bench-crowd bench-registers")
    return tools


def build_type(dtud):
    """CMAKE_BUILD_TYPE of the build folder dtud is in, "" elsewhere."""
    cache = os.path.join(os.path.dirname(os.path.dirname(dtud)), "CMakeCache.txt")
    if not os.path.exists(cache):
        return ""
    with open(cache, encoding="utf-8") as f:
        return next((line.strip().partition("=")[2] for line in f if line.startswith("CMAKE_BUILD_TYPE:")), "")


def interrupt(number, _frame):
    raise KeyboardInterrupt(signal.Signals(number).name)


def measure(bench, args):
    for name, run in PARTS.items():
        if not args.only or name in args.only:
            run(bench)


def show(bench, about):
    lines, missed, judged = report.verdicts(bench)
    print(f"{about['cpus']} CPUs, kernel {about['kernel']}, medians of the rounds; the machine was "
          f"{about['busy_at_start']:.0%} busy before the start")
    print("\n".join(report.table(bench)))
    if bench.remarks:
        print("\nRemarks\n" + "\n".join(f"  {r}" for r in bench.remarks))
    print("\nTargets of dtud" + ("\n" + "\n".join(lines) if lines else ": nothing to judge, dtud was not measured"))
    if judged:
        print(f"  {judged - missed} of {judged} met")
    return missed


def main():
    args = arguments()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    adopt_orphans()
    folder = tempfile.mkdtemp(prefix="dtukit-bench-")
    try:
        scale = QUICK if args.quick else FULL
        if args.rounds:
            scale = scale._replace(rounds=args.rounds)
        bench = Bench(folder, find_tools(args), scale)
        busy = busy_share(0.5)
        about = report.machine(busy)
        if busy > 0.2:
            bench.remark(f"other programs keep the machine {busy:.0%} busy: look at the ratios, not at the figures")
        if os.path.exists(bench.tools.dtud) and build_type(bench.tools.dtud) not in ("", "Release"):
            bench.remark(f"{bench.tools.dtud} is a {build_type(bench.tools.dtud)} build: do not judge it by this")
        measure(bench, args)
        missed = show(bench, about)
        if args.json:
            report.write_json(args.json, bench, about)
        return 1 if missed else 0
    except Failed as e:
        print(f"bench: {e}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as e:
        print(f"bench: stopped ({e or 'Ctrl-C'}); everything it started is ended", file=sys.stderr)
        return 2
    finally:
        if args.keep:
            print(f"bench: logs and configurations are in {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
