"""The generator of the tables of docs/boards.md, over a small tree of its own."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMES = """# Names
| Point | Unit | Value | Offered by | Used by |
| --- | --- | --- | --- | --- |
| `battery.mv` | mV | whole number | hal sim, hal new | code 9 |
| `radio.csq` | | 0 to 31 | | code 3 |

| Event | State | What happened | Told by |
| --- | --- | --- | --- |
| `port.state` | yes | The port | kernel |
| `sms.received` | no | A message | hal new |

| Command | Arguments | Level | Providers | Offered by | Used by |
| --- | --- | --- | --- | --- | --- |
| `sms.send` | `number` | password | one | hal new | code 50 |
| `config.get` | | password | one | kernel | code 4 |

| Command | Arguments | Level | Providers | Offered by | Codes |
| --- | --- | --- | --- | --- | --- |
| `adc.query` | `adcn` | password | one | command dtu | 7 |
"""


class Boards(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for hal in ("sim", "new"):
            (self.root / f"plugins/hal-{hal}").mkdir(parents=True)
            (self.root / f"plugins/hal-{hal}/schema.json").write_text("{}", encoding="utf-8")
        (self.root / "docs").mkdir()
        self.names = self.root / "docs/names.md"
        self.names.write_text(NAMES, encoding="utf-8")
        self.page = self.root / "docs/boards.md"
        # The markers are those of the real page.
        marks = [line for line in (ROOT / "docs/boards.md").read_text(encoding="utf-8").splitlines() if line.startswith("<!--")]
        self.page.write_text("# Boards\n\n" + "\nold\n".join(marks) + "\n\nafter\n", encoding="utf-8")

    def run_it(self, *arguments):
        return subprocess.run([sys.executable, "-B", ROOT / "tools/docs/boards.py", "--root", self.root, *arguments],
                              text=True, capture_output=True, timeout=30, check=False)

    def test_the_tables_have_a_column_for_each_hal(self):
        self.assertEqual(self.run_it().returncode, 0)
        text = self.page.read_text(encoding="utf-8")
        self.assertIn("| Point | sim | new | Unit | Used by |", text)
        self.assertIn("| `battery.mv` | yes | yes | mV | code 9 |", text)
        self.assertIn("| `radio.csq` |  |  |  | code 3 |", text)
        self.assertIn("| `sms.send` |  | yes | code 50 |", text)
        self.assertIn("| `sms.received` |  | yes | A message |", text)
        for other in ("config.get", "adc.query", "port.state", "old"):
            self.assertNotIn(other, text)
        self.assertTrue(text.startswith("# Boards\n") and text.endswith("\n\nafter\n"))

    def test_a_stale_page_names_the_command(self):
        self.assertEqual(self.run_it("--check").returncode, 1)
        self.run_it()
        self.assertEqual(self.run_it("--check").returncode, 0)
        self.names.write_text(NAMES.replace("hal sim, hal new", "hal new, hal sim, hal sim"), encoding="utf-8")
        self.assertEqual(self.run_it("--check").returncode, 0, "the same HALs")
        self.names.write_text(NAMES.replace("hal sim, hal new", "hal sim"), encoding="utf-8")
        ran = self.run_it("--check")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("run ./dev docs", ran.stderr)

    def test_a_hal_that_only_one_side_knows_is_an_error(self):
        self.names.write_text(NAMES.replace("hal new", "hal newer"), encoding="utf-8")
        ran = self.run_it()
        self.assertEqual(ran.returncode, 1)
        self.assertIn("hal new has no name on docs/names.md", ran.stderr)


if __name__ == "__main__":
    unittest.main()
