#!/usr/bin/env python3
"""Takes the C and C++ blocks of a page into files, for the compiler to judge.

snippets.py PAGE FOLDER    writes them; prints "snippet FILE" or "plugin NAME FILE" for each, in order

A block begins with ```c or ```cpp; ```cpp plugin=NAME is a whole plugin. Each is compiled by itself, so it has its own
#includes, and its errors name the line of the page. What is not in the page any more is removed from the folder.
"""
import pathlib
import re
import sys

FENCE = re.compile(r"^```(\S*)\s*(.*)$")


class PageError(Exception):
    """What is wrong with the page, and on which line."""


def blocks(page, text):
    """(line of the first line inside, language, plugin name or "", lines)"""
    inside = None
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if inside is None and fence:
            language, attribute = fence.groups()
            plugin = ""
            if attribute:
                named = re.fullmatch(r"plugin=([a-z0-9-]{1,32})", attribute)
                if language not in ("c", "cpp") or not named:
                    raise PageError(f"{page}:{number}: \"{attribute}\" is nothing a block can be: plugin=NAME, of c or cpp")
                plugin = named.group(1)
            elif not language:
                language = "text"
            inside = (number + 1, language, plugin, [])
        elif inside is not None and line.rstrip() == "```":
            yield inside
            inside = None
        elif inside is not None:
            inside[3].append(line)
    if inside is not None:
        raise PageError(f"{page}:{inside[0] - 1}: this block never ends")


def extract(page, folder):
    folder.mkdir(parents=True, exist_ok=True)
    written, plugins = [], set()
    for line, language, plugin, lines in blocks(page, page.read_text(encoding="utf-8")):
        if language not in ("c", "cpp"):
            continue
        if plugin in plugins:
            raise PageError(f"{page}:{line}: there is a plugin {plugin} already")
        plugins |= {plugin} - {""}
        file = folder / f"{plugin or f'snippet-{len(written) + 1}'}.{language}"
        content = f'#line {line} "{page}"\n' + "\n".join(lines) + "\n"
        if not file.exists() or file.read_text(encoding="utf-8") != content:
            file.write_text(content, encoding="utf-8")
        written.append(file)
        print(f"plugin {plugin} {file}" if plugin else f"snippet {file}")
    if not written:
        raise PageError(f"{page}: has no block of c or cpp")
    for file in folder.iterdir():
        if file.suffix in (".c", ".cpp") and file not in written:
            file.unlink()


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        extract(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]))
    except (OSError, PageError) as error:
        sys.exit(f"snippets.py: {error}")


if __name__ == "__main__":
    main()
