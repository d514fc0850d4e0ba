#!/usr/bin/env python3
"""The main job, shown: a board, a private MQTT broker, and dtud between them.

--board sim (the default), a board whose values are invented:
  port 1  a meter that speaks DTU command frames  <->  MQTT broker
  port 2  a meter that sends plain lines          <->  TCP server inside dtud

--board modem, the board file of docs/boards.md:
  port 1  a meter that speaks DTU command frames  <->  MQTT broker
  a simulated cellular module (dtu-sim modem) behind hal-ec600: identity, signal, messages, a restart

Run it as ./dev demo. It ends by itself; with --keep it goes on until Ctrl-C and prints what to try.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile

import modem_board
import sim_board
from stage import Demo, Trouble, show

BOARDS = {"sim": sim_board.run, "modem": modem_board.run}


def interrupted(_number, _frame):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="where dtud was built")
    parser.add_argument("--board", choices=BOARDS, default="sim")
    parser.add_argument("--keep", action="store_true", help="continue until Ctrl-C")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, interrupted)
    folder = tempfile.mkdtemp(prefix="dtukit-demo-")
    demo = Demo(os.path.abspath(args.build), folder)
    try:
        BOARDS[args.board](demo, args.keep)
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
