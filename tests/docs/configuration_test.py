"""The generator of docs/CONFIGURATION.md, over small trees of its own."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

GENERATOR = pathlib.Path(__file__).resolve().parents[2] / "tools/docs/configuration.py"


def text(title, **more):
    return {"title": title, "type": "string", **more}


def schema(properties, **more):
    return {"title": "T", "type": "object", "properties": properties, **more}


class Configuration(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        (self.root / "docs").mkdir()
        self.put("core/config/board.schema.json", schema({"state_dir": text("Folder")}))
        self.put("core/config/device.schema.json", schema({"reg": text("Greeting")}, definitions={
            "channel": schema({"protocol": text("Type")}, required=["protocol"])}))

    def put(self, path, content):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")

    def run_it(self, *arguments):
        return subprocess.run([sys.executable, "-B", GENERATOR, "--root", self.root, *arguments], text=True,
                              capture_output=True, timeout=30, check=False)

    def page(self):
        ran = self.run_it()
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return (self.root / "docs/CONFIGURATION.md").read_text(encoding="utf-8")

    def row(self, key):
        rows = [line for line in self.page().splitlines() if line.startswith(f"| `{key}` |")]
        self.assertEqual(len(rows), 1, rows)
        return rows[0]

    def test_a_stale_page_names_the_command(self):
        self.assertEqual(self.run_it("--check").returncode, 1, "there is none")
        first = self.page()
        self.assertEqual(self.run_it("--check").returncode, 0)
        self.assertEqual(self.page(), first, "the same input, the same page")
        self.put("plugins/channel-new/schema.json", schema({"url": text("Address")}))
        ran = self.run_it("--check")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("run ./dev docs", ran.stderr)
        self.assertEqual((self.root / "docs/CONFIGURATION.md").read_text(encoding="utf-8"), first, "a check writes nothing")

    def test_every_plugin_folder_has_a_section(self):
        self.put("plugins/hal-board/schema.json", schema({}, description="A board."))
        self.put("plugins/channel-b/schema.json", schema({"url": text("Address")}))
        self.put("plugins/channel-a/schema.json", schema({"url": text("Address")}))
        (self.root / "plugins/libshared").mkdir()
        page = self.page()
        places = [page.index(part) for part in ("## Channel `a`", "## Channel `b`", "## Hardware `board`")]
        self.assertEqual(places, sorted(places))
        self.assertIn("A board.\n\nNo settings.", page)

    def test_what_is_allowed(self):
        self.put("plugins/channel-x/schema.json", schema({
            "port": {"title": "Port", "type": "integer", "minimum": 1, "maximum": 9, "default": 3},
            "switch": {"title": "Switch", "type": "integer", "minimum": 0, "maximum": 1},
            "word": {"title": "Word", "enum": ["a|b", 2], "default": "a|b"},
            "either": {"title": "Either", "anyOf": [{"type": "boolean"}, {"type": "string", "maxLength": 5}]},
            "names": {"title": "Names", "type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "string"}},
            "topics": {"title": "Topics", "type": "object", "additionalProperties": {"type": "string", "minLength": 1,
                                                                                   "maxLength": 7}}}))
        self.assertEqual(self.row("port"), "| `port` | **Port.** | whole number 1 to 9 | `3` |")
        self.assertEqual(self.row("switch"), "| `switch` | **Switch.** | `0`, `1` |  |")
        self.assertEqual(self.row("word"), '| `word` | **Word.** | `"a\\|b"`, `2` | `"a\\|b"` |')
        self.assertIn("| `true`, `false` or text up to 5 characters |", self.row("either"))
        self.assertIn("| list of 2, each: text |", self.row("names"))
        self.assertIn("| object, each: text 1 to 7 characters |", self.row("topics"))

    def test_paths_references_and_secrets(self):
        self.put("plugins/channel-x/schema.json", schema({
            "inner": {"title": "Inner", "type": "object", "required": ["key"], "properties": {
                "key": {"$ref": "#/definitions/key", "description": "Which one"}}},
            "list": {"title": "List", "type": "array", "items": {"type": "object", "properties": {"a": text("A")}}},
            "pair": {"title": "Pair", "type": "array", "items": [text("First"), text("Second", writeOnly=True)]},
            "map": {"title": "Map", "type": "object", "additionalProperties": {"properties": {"b": text("B")}},
                    "patternProperties": {"^x": text("X")}},
            "files": {"title": "Files", "anyOf": [{"type": "boolean"}, {"type": "object", "properties": {"c": text("C")}}]},
        }, definitions={"key": text("Key", writeOnly=True)}))
        self.assertEqual(self.row("inner.key"), "| `inner.key` | **Key.** Which one. **Secret.** | text | required |")
        self.assertIn("**Secret.**", self.row("pair[1]"))
        self.assertNotIn("Secret", self.row("pair[0]"))
        for key in ("list[].a", "map.<name>.b", "map./^x/", "files.c"):
            self.row(key)

    def refused(self, *pieces):
        ran = self.run_it()
        self.assertEqual(ran.returncode, 1)
        for piece in pieces:
            self.assertIn(piece, ran.stderr)
        self.assertFalse((self.root / "docs/CONFIGURATION.md").exists())

    def test_a_key_without_a_title_is_named(self):
        self.put("plugins/channel-x/schema.json", schema({"a": {"title": "A", "properties": {"b": {"type": "string"}}}}))
        self.refused("channel-x/schema.json", "a.b has no title")

    def test_what_is_no_json_is_named(self):
        self.put("plugins/channel-x/schema.json", "{")
        self.refused("channel-x/schema.json")

    def test_a_reference_to_nothing_is_named(self):
        self.put("plugins/channel-x/schema.json", schema({"a": {"$ref": "#/definitions/gone"}}))
        self.refused("#/definitions/gone refers to a missing definition")


if __name__ == "__main__":
    unittest.main()
