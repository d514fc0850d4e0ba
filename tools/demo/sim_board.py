"""./dev demo: a simulated board with two ports, one to MQTT and one to a TCP client."""

import json
import os
import socket
import time
import zlib

from stage import TOPIC_DOWN, TOPIC_UP, Lines, Trouble, head, show, stay

PROBES = 400


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


def start_simulated_board(demo):
    demo.ports = {n: os.path.join(demo.folder, "port" + n) for n in "12"}
    return demo.start_dtud(
        [{"type": "sim", "ports": {n: {"link": path} for n, path in demo.ports.items()}, "drift": True}],
        {"work_mode": "command",
         "uconf": {"1": {"baudrate": "115200"}, "2": {"baudrate": "115200", "mode": "raw"}},
         "conf": {"1": demo.mqtt(),
                  "2": {"protocol": "tcp", "mode": "server", "url": "127.0.0.1", "port": demo.tcp_port,
                        "serialID": "2"}}})


def run(demo, keep):
    head("Starting a private broker, a simulated board and dtud")
    demo.start_broker()
    ready_s = start_simulated_board(demo)
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
        stay(demo)
