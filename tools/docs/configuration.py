#!/usr/bin/env python3
"""Writes docs/CONFIGURATION.md from the JSON Schemas of the documents and of every plugin in plugins/.

configuration.py [--root DIR]            writes the page
configuration.py [--root DIR] --check    says whether the page is up to date (exit status 1: it is not)

A property without a title is an error: the page is for people.
"""
import argparse
import json
import pathlib
import sys

PAGE = "docs/CONFIGURATION.md"
INTRODUCTION = """# Configuration

Written by `./dev docs` from the schemas; change those, not this page.

Two documents configure a DTU. `board.json` says what the board is made of; whoever builds the product writes it, and
nobody changes it from afar. `dtu_config.json`, the device file, says what the DTU does; commands read and change it.
`dtud --check` reads both and says what is wrong, where, and what is allowed. It also asks the plugins: for certificate files that
cannot be used, topics, addresses, one device or one TCP port used twice. It opens no connection and no device. A document that is
set while `dtud` runs is checked in the same way.

The device file is read leniently: numbers and switches may be texts (`"1883"`, `"1"`), and `""` stands for the default.
In the paths below `<name>` is a key of your choice and `[]` an entry of a list. Without a default a key that is left out
is not set. **Secret**: shown as `"***"` by every command; a set that contains `"***"` keeps the stored value.
"""
KINDS = {
    "channel": "Channel `{type}`: `conf.<id>` of the device file with `\"protocol\": \"{type}\"`",
    "hal": "Hardware `{type}`: an entry of `hal` in board.json with `\"type\": \"{type}\"`",
    "command": "Command component `{type}`: an entry of `commands` in board.json with `\"type\": \"{type}\"`",
}
NUMBERS = {"integer": "whole number", "number": "number"}


class SchemaError(Exception):
    """What is wrong with a schema, and where."""


def as_json(value):
    return "`" + json.dumps(value, ensure_ascii=False) + "`"


def bounds(schema, low, high, unit=""):
    least, most = schema.get(low), schema.get(high)
    if least is not None and most is not None:
        return f" {least} to {most}{unit}" if least != most else f" {most}{unit}"
    if most is not None:
        return f" up to {most}{unit}"
    return f" from {least}{unit}" if least is not None else ""


def sentence(text):
    return text if text.endswith((".", "!", "?", ":")) else text + "."


class Table:
    """The rows of one schema: every key path with what it is, what is allowed, and its default."""

    def __init__(self, schema, source):
        self.root = schema
        self.source = source
        self.rows = []

    def resolve(self, schema):
        """Follows "$ref": "#/definitions/x"; what stands beside it goes first."""
        if "$ref" not in schema:
            return schema
        target = self.root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            if step not in target:
                raise SchemaError(f"{self.source}: {schema['$ref']} refers to a missing definition")
            target = target[step]
        return {**self.resolve(target), **{key: value for key, value in schema.items() if key != "$ref"}}

    def variants(self, schema):
        """What a value may be otherwise. A variant that only asks for keys is no kind of value."""
        all_of_them = [self.resolve(one) for word in ("anyOf", "oneOf") for one in schema.get(word, [])]
        return [one for one in all_of_them if "type" in one or "enum" in one or "const" in one]

    def allowed(self, schema):
        if "const" in schema:
            return as_json(schema["const"])
        if "enum" in schema:
            return ", ".join(as_json(value) for value in schema["enum"])
        if "type" in schema:
            kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            return " or ".join(self.of_type(kind, schema) for kind in kinds)
        return " or ".join(dict.fromkeys(self.allowed(one) for one in self.variants(schema)))

    def of_type(self, kind, schema):
        """One allowed type in words."""
        if kind == "integer" and schema.get("minimum") == 0 and schema.get("maximum") == 1:
            return "`0`, `1`"
        if kind in NUMBERS:
            return NUMBERS[kind] + bounds(schema, "minimum", "maximum")
        if kind == "boolean":
            return "`true`, `false`"
        if kind == "string":
            words = "text" + (bounds(schema, "minLength", "maxLength", " characters") if "maxLength" in schema else "")
            return words + (f" matching `{schema['pattern']}`" if "pattern" in schema else "")
        if kind == "array":
            words = "list" + (" of" + bounds(schema, "minItems", "maxItems") if "maxItems" in schema else "")
            return words + self.entries(schema.get("items"))
        return kind + self.entries(schema.get("additionalProperties"))

    def entries(self, schema):
        """What the entries of a list or an object are, where they have no row of their own."""
        entry = self.resolve(schema) if isinstance(schema, dict) else {}
        words = "" if "title" in entry else self.allowed(entry)
        return f", each: {words}" if words not in ("", "object") else ""

    def add(self, path, schema, required):
        if "title" not in schema:
            raise SchemaError(f"{self.source}: {path} has no title")
        what = f"**{sentence(schema['title'])}**"
        if "description" in schema:
            what += " " + sentence(schema["description"])
        if schema.get("writeOnly") or schema.get("x-secret"):
            what += " **Secret.**"
        default = as_json(schema["default"]) if "default" in schema else "required" if required else ""
        self.rows.append((f"`{path}`", what, self.allowed(schema), default))

    def walk(self, path, schema):
        """Adds what is below `schema`."""
        prefix = path + "." if path else ""
        for key, value in schema.get("properties", {}).items():
            value = self.resolve(value)
            self.add(prefix + key, value, key in schema.get("required", []))
            self.walk(prefix + key, value)
        for pattern, value in schema.get("patternProperties", {}).items():
            value = self.resolve(value)
            self.add(prefix + f"/{pattern}/", value, False)
            self.walk(prefix + f"/{pattern}/", value)
        more = schema.get("additionalProperties")
        if isinstance(more, dict):
            self.below(prefix + "<name>", self.resolve(more))
        items = schema.get("items")
        if isinstance(items, dict):
            self.below(path + "[]", self.resolve(items))
        for place, item in enumerate(items if isinstance(items, list) else []):
            self.below(f"{path}[{place}]", self.resolve(item))
        for variant in self.variants(schema):
            self.walk(path, variant)

    def below(self, path, schema):
        """An entry of a list or of a map: a row of its own only if it says something."""
        if "title" in schema:
            self.add(path, schema, False)
        self.walk(path, schema)

    def text(self):
        if not self.rows:
            return "No settings.\n"
        cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in self.rows]
        lines = ["| key | what | allowed | default |", "| --- | --- | --- | --- |"]
        return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in cells]) + "\n"


def load(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SchemaError(f"{path}: {error}") from error


def section(heading, schema, source, part=None):
    table = Table(schema, source)
    shown = schema if part is None else table.resolve(part)
    table.walk("", shown)
    about = f"\n{shown['description']}\n" if "description" in shown else ""
    return f"\n## {heading}\n{about}\n{table.text()}"


def plugin_schemas(root):
    """(kind, type, path) of every plugin, sorted: plugins/channel-tcp/schema.json is channel, tcp."""
    found = []
    for path in sorted((root / "plugins").glob("*/schema.json")):
        kind, _, name = path.parent.name.partition("-")
        if kind not in KINDS or not name:
            raise SchemaError(f"{path}: the folder of a plugin is called " + ", ".join(f"{k}-<type>" for k in KINDS))
        found.append((kind, name, path))
    return found


def keys_section(folder):
    """The keys of the device file that a plugin owns: plugins/command-dtu/keys/plate.json."""
    merged = Table({}, folder)
    for path in sorted(folder.glob("*.json")):
        schema = load(path)
        table = Table(schema, path)
        table.walk("", {"properties": {path.stem: schema}})
        merged.rows += table.rows
    about = "\nWithout this plugin they have no effect, and the document is given a warning.\n"
    return f"\n## dtu_config.json: keys of plugin `{folder.parent.name}`\n{about}\n{merged.text()}"


def page(root):
    board_path, device_path = root / "core/config/board.schema.json", root / "core/config/device.schema.json"
    board, device = load(board_path), load(device_path)
    out = INTRODUCTION
    out += section("board.json", board, board_path)
    out += section("dtu_config.json", device, device_path)
    for folder in sorted((root / "plugins").glob("*/keys")):
        out += keys_section(folder)
    channel = device["definitions"]["channel"]
    out += section("Every channel: `conf.<id>` of the device file", device, device_path, channel)
    for wanted in KINDS:
        for kind, name, path in plugin_schemas(root):
            if kind == wanted:
                out += section(KINDS[kind].format(type=name), load(path), path)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    target = options.root / PAGE
    try:
        text = page(options.root)
    except (SchemaError, OSError) as error:
        print(f"configuration.py: {error}", file=sys.stderr)
        return 1
    if not options.check:
        target.write_text(text, encoding="utf-8")
    elif not target.exists() or target.read_text(encoding="utf-8") != text:
        print(f"{PAGE} does not match the schemas: run ./dev docs and commit the page", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
