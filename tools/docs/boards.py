#!/usr/bin/env python3
"""Writes the tables of docs/boards.md that say which HAL offers which name, from docs/names.md.

boards.py [--root DIR]            writes the tables into the page
boards.py [--root DIR] --check    says whether they are up to date (exit status 1: they are not)

NamesTest (tests/e2e) asks the running plugins whether docs/names.md is right. Here each HAL of plugins/ has to be on that
page, and each HAL of that page in plugins/.
"""
import argparse
import pathlib
import sys

PAGE, SOURCE = "docs/boards.md", "docs/names.md"
BEGIN, END = "<!-- Written by ./dev docs from names.md: change that. -->", "<!-- End of what ./dev docs wrote. -->"
FIRST = ["sim", "linux"]  # the columns begin with these; the others follow in the order of the alphabet


class PageError(Exception):
    """What is wrong with one of the pages."""


def rows_of(text, heading):
    """The rows of every table whose first column has this heading, as {column: cell}."""
    rows, columns = [], None
    for line in text.splitlines():
        if not line.startswith("|"):
            columns = None
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if columns is None:
            columns = cells if cells[0] == heading else [""]
        elif columns[0] == heading and not set(line) <= set("|- "):
            rows.append(dict(zip(columns, cells)))
    return rows


def hals_of(cell):
    return {one.strip().removeprefix("hal ") for one in cell.split(",") if one.strip().startswith("hal ")}


def columns_of(root, named):
    folders = {path.name.removeprefix("hal-") for path in (root / "plugins").glob("hal-*") if (path / "schema.json").exists()}
    for name in sorted(named ^ folders):
        where = "no folder plugins/hal-" + name if name in named else f"no name on {SOURCE}"
        raise PageError(f"hal {name} has {where}")
    return [name for name in FIRST if name in named] + sorted(named - set(FIRST))


def table(head, rows):
    return ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |",
            *("| " + " | ".join(row) + " |" for row in rows), ""]


def tables(root):
    text = (root / SOURCE).read_text(encoding="utf-8")
    parts = [("Point", "Offered by", ["Unit", "Used by"], rows_of(text, "Point")),
             ("Command", "Offered by", ["Used by"], [row for row in rows_of(text, "Command") if "Used by" in row]),
             ("Event", "Told by", ["What happened"], rows_of(text, "Event"))]
    hals = columns_of(root, {hal for _, by, _, rows in parts for row in rows for hal in hals_of(row[by])})
    out = []
    for heading, by, more, rows in parts:
        # A point that no HAL offers yet is one that a HAL may offer. Other commands and events belong to dtud.
        wanted = [row for row in rows if heading == "Point" or hals_of(row[by])]
        out += table([heading, *hals, *more],
                     [[row[heading], *("yes" if hal in hals_of(row[by]) else "" for hal in hals), *(row[key] for key in more)]
                      for row in wanted])
    return "\n".join(out)


def page(root):
    text = (root / PAGE).read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise PageError(f"{PAGE} needs the lines \"{BEGIN}\" and \"{END}\", once each")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    return f"{before}{BEGIN}\n\n{tables(root)}\n{END}{after}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    target = options.root / PAGE
    try:
        text = page(options.root)
        if not options.check:
            target.write_text(text, encoding="utf-8")
        elif target.read_text(encoding="utf-8") != text:
            raise PageError(f"{PAGE} does not match {SOURCE}: run ./dev docs and commit the page")
    except (PageError, OSError) as error:
        print(f"boards.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
