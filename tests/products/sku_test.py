"""The tool that builds products (tools/sku), over the build tree the tests run in. sku_test.py BUILD TREE_IS_STATIC"""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(sys.argv.pop(1)).absolute()
DEADLINE_S = 60


def product(**members):
    return {"title": "T", "form": "directory", "plugins": ["hal-sim", "channel-tcp"],
            "board": {"hal": [{"type": "sim"}]}, **members}


class Sku(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = pathlib.Path(folder.name)

    def sku(self, *arguments):
        return subprocess.run([sys.executable, "-B", ROOT / "tools/sku/sku.py", *map(str, arguments)], text=True,
                              capture_output=True, timeout=300, check=False)

    def put(self, content, name="x.json"):
        path = self.work / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    def refused(self, content, *words, options=("--check",)):
        ran = self.sku(self.put(content), *options)
        self.assertEqual(ran.returncode, 1, ran)
        for word in words:
            self.assertIn(word, ran.stderr)

    def test_the_products_of_the_tree_are_in_order(self):
        ran = self.sku()
        self.assertEqual(ran.returncode, 0, ran)
        for name in ("serial-tcp", "mqtt-gateway", "everything"):
            self.assertIn(name, ran.stdout)

    def test_a_wrong_product_is_refused_with_the_right_words(self):
        self.refused(product(plugins=["hal-sim", "chanel-tcp"]), "x.json: /plugins/1: \"chanel-tcp\" is not a plugin of this tree",
                     "did you mean \"channel-tcp\"?", "There are: channel-http")
        self.refused(product(form="folder"), "/form: \"folder\"", "There are: directory, packages, static")
        self.refused(product(plugin=[]), "/plugin: is not known; did you mean \"plugins\"?")
        self.refused({"form": "static", "plugins": ["hal-sim"]}, "\"title\" is missing")
        self.refused(product(plugins=[]), "/plugins: has 0 entries; allowed are 1 to 64")
        self.refused(product(plugins=["hal-sim", "hal-sim"]), "/plugins: \"hal-sim\" occurs twice")
        self.refused(product(keys=["abc"]), "/keys/0: \"abc\" is not base64 of the key")
        self.refused(product(require_signed=True), "/require_signed: nobody could sign")
        self.refused(product(require_signed="yes"), "/require_signed: \"yes\" is not of type boolean")
        self.refused('{"title": "T",\n "form" "static"}', "x.json:2:9: is not JSON")
        self.refused('{"title": "T", "title": "T"}', "\"title\" occurs twice")
        ran = self.sku("everythin")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("did you mean \"everything\"?", ran.stderr)

    def build(self, content, *options, name="x"):
        out = self.work / f"out-{name}"
        return out, self.sku(self.put(content, f"{name}.json"), "--build", BUILD, "--out", out, *options)

    def test_documents_dtud_refuses_are_no_product(self):
        out, ran = self.build(product(device={"conf": {"1": {"protocol": "mqtt", "url": "b"}}}))
        self.assertEqual(ran.returncode, 1, ran)
        self.assertIn("dtud refuses its documents", ran.stderr)
        self.assertIn("mqtt", ran.stderr)
        self.assertFalse(out.exists())
        _, ran = self.build(product(board={"plugin_path": ["/x"]}))
        self.assertIn("/board/plugin_path: is set by the image", ran.stderr)

    def test_only_what_it_made_itself_is_replaced(self):
        out = self.work / "out-x"
        out.mkdir()
        (out / "precious").write_text("")
        _, ran = self.build(product())
        self.assertEqual(ran.returncode, 3, ran)
        self.assertIn("is not a product", ran.stderr)
        self.assertTrue((out / "precious").exists())
        (out / "precious").unlink()
        for _ in range(2):
            _, ran = self.build(product())
            self.assertEqual(ran.returncode, 0, ran)

    def environment(self):
        places = {"DTUKIT_STATE_DIR": str(self.work / "state"), "DTUKIT_RUN_DIR": str(self.work / "run")}
        return {**{name: value for name, value in os.environ.items() if name != "DTUKIT_PLUGIN_PATH"}, **places}

    def eventually(self, question, process):
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            answer = question()
            if answer:
                return answer
            self.assertIsNone(process.poll(), (self.work / "log").read_text(encoding="utf-8"))
            time.sleep(0.02)
        self.fail((self.work / "log").read_text(encoding="utf-8"))

    def test_the_image_carries_data(self):
        out, ran = self.build(product(
            board={"hal": [{"type": "sim", "ports": {"1": {"link": str(self.work / "tty")}}}], "commands": []},
            device={"work_mode": "raw", "uconf": {"1": {}},
                    "conf": {"1": {"protocol": "tcp", "mode": "server", "serialID": "1"}}}))
        self.assertEqual(ran.returncode, 0, ran)
        self.assertEqual(sorted(p.name for p in (out / "lib/dtukit/plugins").iterdir()), ["channel-tcp.so", "hal-sim.so"])
        moved = self.work / "module/opt"  # nothing in it knows where it was built
        moved.parent.mkdir()
        out.rename(moved)
        with open(self.work / "log", "w", encoding="utf-8") as log, \
                subprocess.Popen([moved / "run"], env=self.environment(), stdout=log, stderr=log) as dtud:
            try:
                self.carries_data(moved, dtud)
            finally:
                dtud.kill()
        self.assertEqual((self.work / "state/dtu_config.json").read_text(encoding="utf-8"),
                         (moved / "etc/dtu_config.json").read_text(encoding="utf-8"))

    def carries_data(self, moved, dtud):
        def channel():
            asked = subprocess.run([moved / "bin/dtuctl", "--socket", self.work / "run/control.sock", "channels", "--json"],
                                   text=True, capture_output=True, timeout=DEADLINE_S, check=False)
            return json.loads(asked.stdout)[0] if asked.returncode == 0 else {}

        port = self.eventually(lambda: channel().get("health", {}).get("listen_port"), dtud)
        self.eventually((self.work / "tty").exists, dtud)
        with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as peer:
            self.eventually(lambda: channel()["health"].get("peers"), dtud)
            tty = os.open(self.work / "tty", os.O_RDWR | os.O_NOCTTY)
            try:
                os.write(tty, b"from the line\n")
                self.assertEqual(peer.makefile("rb").readline(), b"from the line\n")
            finally:
                os.close(tty)

    def test_a_signed_product_takes_no_other_plugins(self):
        made = subprocess.run([BUILD / "bin/dtu-sign", "keygen", self.work / "acme.key"], text=True, capture_output=True,
                              timeout=DEADLINE_S, check=True)
        key = re.search(r"[A-Za-z0-9+/]{43}=", made.stdout).group()
        signed = product(keys=[key], require_signed=True)
        _, ran = self.build(signed)
        self.assertEqual(ran.returncode, 1, ran)
        self.assertIn("give --sign KEY", ran.stderr)
        out, ran = self.build(signed, "--sign", self.work / "acme.key")
        self.assertEqual(ran.returncode, 0, ran)
        for name in ("channel-tcp", "hal-sim"):
            self.assertTrue((out / f"lib/dtukit/plugins/{name}.so.sig").exists())
        self.assertEqual(self.check(out).returncode, 0)
        (out / "lib/dtukit/plugins/hal-sim.so.sig").unlink()
        ran = self.check(out)
        self.assertNotEqual(ran.returncode, 0, ran)
        self.assertIn("hal-sim.so", ran.stdout + ran.stderr)

    def test_a_product_package_starts_its_product(self):
        out, ran = self.build(product(form="packages"), name="p")
        self.assertEqual(ran.returncode, 0, ran)
        root = self.work / "root"
        for folder in ("var/lib/dpkg/updates", "var/lib/dpkg/info", "etc"):
            (root / folder).mkdir(parents=True)
        for name in ("status", "available"):
            (root / "var/lib/dpkg" / name).write_text("")
        ran = subprocess.run(["dpkg", f"--root={root}", "--force-script-chrootless", "--force-depends", "--force-not-root",
                              "--force-bad-path", f"--log={self.work}/dpkg.log", "-i", *out.glob("*.deb")],
                             env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}, text=True,
                             capture_output=True, timeout=120, check=False)
        self.assertEqual(ran.returncode, 0, ran)
        self.assertTrue((root / "etc/systemd/system/multi-user.target.wants/dtukit.service").is_symlink(), ran)
        board = json.loads((root / "etc/dtukit/board.json").read_text(encoding="utf-8"))
        self.assertTrue((root / board["factory_file"][1:]).is_file(), board)
        if shutil.which("lintian"):
            ran = subprocess.run(["lintian", "--tag-display-limit", "0", *out.glob("*.deb")], text=True,
                                 capture_output=True, timeout=300, check=False)
            self.assertEqual([line for line in ran.stdout.splitlines() if line.startswith("E:")], [])

    def check(self, out):
        return subprocess.run([out / "run", "--check"], env=self.environment(), text=True, capture_output=True,
                              timeout=DEADLINE_S, check=False)


if __name__ == "__main__":
    unittest.main()
