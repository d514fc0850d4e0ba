"""A mosquitto of our own: free port, no persistence, tcp_nodelay; plain and TLS."""

import collections
import os
import socket
import subprocess

from .processes import Failed, free_port, program, wait_until


Broker = collections.namedtuple("Broker", "port tls_port ca")  # ca: path of the certificate to trust


def missing():
    return None if program("mosquitto") else "mosquitto not found: apt-get install mosquitto"


def start(bench, nursery):
    """A broker with a plain and a TLS listener."""
    folder = os.path.join(bench.folder, f"broker-{os.urandom(4).hex()}")
    os.mkdir(folder)
    broker = Broker(port=free_port(), tls_port=free_port(), ca=_certificate(folder))
    # Everything the window allows may be on its way: the broker must not drop it. "user" only counts for root.
    lines = ["allow_anonymous true", "persistence false", "set_tcp_nodelay true", "max_queued_messages 0",
             "log_type error", "user root", f"listener {broker.port} 127.0.0.1",
             f"listener {broker.tls_port} 127.0.0.1", f"certfile {broker.ca}", f"keyfile {folder}/key.pem"]
    config = os.path.join(folder, "mosquitto.conf")
    with open(config, "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")
    process = nursery.start([program("mosquitto"), "-c", config])

    def listening():
        process.must_run()
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", broker.tls_port)) == 0
    wait_until("mosquitto listening", 5, listening)
    return broker


def _certificate(folder):
    """A certificate for 127.0.0.1 that signs itself: good for a day."""
    if not program("openssl"):
        raise Failed("openssl not found: apt-get install openssl")
    made = subprocess.run(
        [program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "1", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", f"{folder}/key.pem", "-out", f"{folder}/ca.pem"],
        capture_output=True, timeout=20, check=False)
    if made.returncode != 0:
        raise Failed(f"openssl made no certificate: {made.stderr.decode()[-300:]}")
    return f"{folder}/ca.pem"
