"""./dev demo --board modem: a simulated cellular module, hal-ec600 and dtud, from the antenna to the broker."""

import json
import os
import subprocess

from stage import TOPIC_DOWN, Lines, Trouble, head, show, stay, wait_for

SENDER, MESSAGE = "+8613800000000", "pump 3 is on"
SHOWN = (("device.imei", "IMEI"), ("device.version", "firmware"), ("sim.iccid", "SIM card"), ("radio.csq", "signal"),
         ("radio.operator", "operator"), ("battery.mv", "battery, mV"))


class Module:
    """dtu-sim modem on a line of its own. Its trace goes to a file; actions go to its standard input."""

    def __init__(self, demo):
        self.line = os.path.join(demo.folder, "modem")
        self.trace = os.path.join(demo.folder, "modem.trace")
        self.process = demo.run(os.path.join(demo.bin, "dtu-sim"), "modem", "--pty", self.line, "--stdin", "--json", "--trace",
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(self.trace, "w", encoding="utf-8"))
        self.said = Lines(self.process)
        self.said.next("the simulated module's line")

    def tell(self, action):
        show(f"  module: {action}")
        self.process.stdin.write(action + "\n")
        self.process.stdin.flush()
        answer = self.said.next("the module's answer")
        if answer != "ok":
            raise Trouble(f"the module refuses {action}: {answer}")


def read(demo, point):
    answer = demo.ask("read", point)
    return answer["value"] if answer else None


def is_csq(demo, value):
    return wait_for(f"signal {value} at radio.csq", lambda: read(demo, "radio.csq") == value, 15)


def start(demo):
    module = Module(demo)
    meter = os.path.join(demo.folder, "meter")
    demo.meter("--pty", meter, "--mode", "frames", "--channel", "1", "--topic", "0", "--every", "1000", "--format", "json")
    wait_for("the meter's line", lambda: os.path.exists(meter))
    ready_s = demo.start_dtud(
        [{"type": "linux", "ports": {"1": {"device": meter}}},
         {"type": "ec600", "at_device": module.line, "poll_s": 1}],
        {"work_mode": "command", "uconf": {"1": {"baudrate": "115200"}}, "conf": {"1": demo.mqtt()}})
    return module, ready_s


def show_board(demo):
    head("What the module answers, as points of the board")
    is_csq(demo, 20)
    for point, name in SHOWN:
        show(f"  {name:12} {point:16} {json.dumps(wait_for(point, lambda p=point: read(demo, p)))}", "32")


def ask_cloud(demo, up, code, wanted):
    request = json.dumps({"msg_id": f"demo-{code}-{wanted}", "cmd_code": code})
    demo.publish(request)
    answer = up.next(f"the answer to function code {code}", lambda line: f'"demo-{code}-{wanted}"' in line and "cmd_code" in line)
    show(f"  -> {request}")
    show(f"  <- {answer}", "32")
    if wanted not in answer:
        raise Trouble(f"the answer to function code {code} has no {wanted}")


def show_commands(demo, module, up):
    head("The cloud asks by MQTT; the answer comes from the module")
    ask_cloud(demo, up, 3, "20")
    module.tell("csq 11")
    is_csq(demo, 11)
    ask_cloud(demo, up, 3, "11")


def show_message(demo, module):
    head("A short message arrives")
    process = demo.run(*demo.ctl("--json", "events"), stdout=subprocess.PIPE, stderr=demo.log)
    events = Lines(process)
    events.next("the present states, which show that it is subscribed")
    module.tell(f'sms from {SENDER} "{MESSAGE}"')
    show("  " + events.next("the event sms.received", lambda line: MESSAGE in line), "32")
    process.terminate()


def show_restart(demo, module):
    head("The module restarts: its settings are gone, dtud sets them again")
    module.tell("csq 24")
    module.tell("reboot")
    is_csq(demo, 24)
    with open(module.trace, encoding="utf-8") as trace:
        lines = [line.rstrip() for line in trace]
    begin = max(i for i, line in enumerate(lines) if line.endswith("* restart"))
    for line in lines[begin:begin + 12]:
        show("  " + line)


def summary(demo, ready_s):
    status, channels = demo.ask("status"), demo.ask("channels")
    head("Summary")
    for c in channels:
        show(f"  channel {c['id']} ({c['type']}): {c['outbox']['delivered']} messages confirmed, {c['rx_messages']} received")
    show(f"  dtud: {status['rss_kib'] / 1024:.1f} MiB resident, {status['threads']} threads, "
         f"connected {ready_s * 1000:.0f} ms after its start")


def hints(demo, module):
    head("Running until Ctrl-C. Try, in another terminal:")
    ctl = " ".join(demo.ctl())
    broker = f"-h 127.0.0.1 -p {demo.broker_port}"
    for line in (f"{ctl} status", f"{ctl} events", f"{ctl} read sim.iccid", f"tail -f {module.trace}",
                 f"mosquitto_pub {broker} -t {TOPIC_DOWN} -m '{{\"msg_id\": 1, \"cmd_code\": 3}}'"):
        show("  " + line)
    show(f"  logs and configuration: {demo.folder}")


def run(demo, keep):
    head("Starting a private broker, a simulated module and dtud")
    demo.start_broker()
    module, ready_s = start(demo)
    show(f"  module on {module.line}, broker on 127.0.0.1:{demo.broker_port}; channel up after {ready_s * 1000:.0f} ms")
    up = demo.subscriber()
    show_board(demo)
    show_commands(demo, module, up)
    show_message(demo, module)
    show_restart(demo, module)
    summary(demo, ready_s)
    if keep:
        hints(demo, module)
        stay(demo)
