#!/usr/bin/env python3
"""Every decision that the tree cites (D19) stands once on docs/protocol-decisions.md. Exit status 1: one does not."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/protocol-decisions.md"
# D and a number by itself: not a part of a word, of a hexadecimal number or of an identifier.
CITED = re.compile(r"(?<![\w\-$\"'/\\.])D([1-9][0-9]?)(?![\w\-\"'])")
FOLDERS = ("bench", "core", "docs", "examples", "packaging", "plugins", "sdk", "tests", "tools")
KINDS = (".c", ".h", ".cpp", ".hpp", ".md", ".py", ".txt")


def main():
    defined = [int(n) for n in re.findall(r"^\*\*D(\d+)\.", PAGE.read_text(encoding="utf-8"), re.MULTILINE)]
    problems = [f"D{n} stands {defined.count(n)} times on the page" for n in sorted(set(defined)) if defined.count(n) > 1]
    cited = 0
    for path in sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*")):
        if path.suffix not in KINDS or not path.is_file():
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            for found in CITED.finditer(line):
                cited += 1
                if int(found.group(1)) not in defined:
                    problems.append(f"{path.relative_to(ROOT)}:{number}: cites D{found.group(1)}, which the page does not have")
    if not cited:
        problems.append("nothing cites a decision")
    for problem in problems:
        print(f"docs/protocol-decisions.md: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
