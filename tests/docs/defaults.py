#!/usr/bin/env python3
"""Every default of a schema is run by a test that does not set the key: holds defaults.txt against docs/CONFIGURATION.md.

defaults.py             says what is wrong with the table; exit status 1: something is
defaults.py --missing   prints a line for each default without a row

A row is   <section> <key> = <default> : <Suite.Case> [<Suite.Case>...]
with the section's first words ("board", "device", "channel", "mqtt", "hal-linux", "acquire"), the key and the default as the page
has them, and the tests that show what happens without the key. The page is written from the schemas, so a new key, or
another default, needs a row. A test that is named must exist, and the last word of the key must not stand in its body as
a member of a document; ~Suite.Case: it does, for another key of the same name.
"""
import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = pathlib.Path(__file__).with_name("defaults.txt")
SECTION = re.compile(r"^## (?:(Channel|Hardware|Command component) `([^`]+)`|(board\.json|dtu_config\.json|Every channel))")
NAMES = {"board.json": "board", "dtu_config.json": "device", "Every channel": "channel"}
PREFIXES = {"Channel": "", "Hardware": "hal-", "Command component": ""}
ROW = re.compile(r"^\| `(.+?)` \| .* \| `([^|]*)` \|$")
LINE = re.compile(r"^(\S+) (\S+) = (.+?) : (.+)$")
CASE = re.compile(r"^(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", re.MULTILINE)


def defaults_of_the_page():
    """(section, key) -> default, as JSON text."""
    found, section = {}, ""
    for line in (ROOT / "docs/CONFIGURATION.md").read_text(encoding="utf-8").splitlines():
        heading = SECTION.match(line)
        if heading:
            kind, name, whole = heading.groups()
            section = NAMES[whole] if whole else PREFIXES[kind] + name
        row = ROW.match(line)
        if row:
            found[section, row.group(1)] = row.group(2)
    return found


def cases():
    """Suite.Case -> the text of its body."""
    found = {}
    for path in sorted(ROOT.glob("tests/**/*_test.cpp")):
        text = path.read_text(encoding="utf-8")
        starts = list(CASE.finditer(text))
        for index, start in enumerate(starts):
            end = starts[index + 1].start() if index + 1 < len(starts) else len(text)
            found[f"{start.group(1)}.{start.group(2)}"] = text[start.start():end]
    return found


def sets_it(body, key):
    word = re.escape(re.split(r"[.\[]", key.rstrip("[]"))[-1].strip("<>/^$\\"))
    return re.search(r'\\?"' + word + r'\\?":\s', body) is not None  # what dtud writes has no blank there


def read_table(problems):
    rows = {}
    for number, line in enumerate(TABLE.read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        match = LINE.match(line)
        if not match:
            problems.append(f"{TABLE.name}:{number}: not <section> <key> = <default> : <test>...")
            continue
        section, key, default, tests = match.groups()
        if (section, key) in rows:
            problems.append(f"{TABLE.name}:{number}: {section} {key} has a row already")
        rows[section, key] = (number, default, tests.split())
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--missing", action="store_true")
    options = parser.parse_args()
    problems = []
    wanted, rows, known = defaults_of_the_page(), read_table(problems), cases()
    missing = [f"{section} {key} = {default}" for (section, key), default in wanted.items() if (section, key) not in rows]
    if options.missing:
        print("\n".join(missing))
        return 0
    problems += [f"no test is named for the default of {one}: add it to tests/docs/{TABLE.name}" for one in missing]
    for (section, key), (number, default, tests) in rows.items():
        where = f"{TABLE.name}:{number}: {section} {key}"
        if (section, key) not in wanted:
            problems.append(f"{where}: the page has no such key with a default")
        elif wanted[section, key] != default:
            problems.append(f"{where}: its default is {wanted[section, key]} now: does a test show it?")
        for test in tests:
            name = test.removeprefix("~")
            if name not in known:
                problems.append(f"{where}: there is no test {name}")
            elif name == test and sets_it(known[name], key):
                problems.append(f"{where}: {test} sets the key")
    print("\n".join(problems), file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
