#!/usr/bin/env python3
"""Builds the product of packaging/sku/NAME.json: its plugins, documents and keys.

sku.py                                     lists the products
sku.py NAME [--out DIR]                    builds it into build/sku/NAME (or DIR): one folder to copy, or Debian packages
sku.py NAME --arch armhf                   for 32 bit ARM
sku.py NAME --sign KEY.pem                 signs its plugins with that private key
sku.py NAME --check                        only checks the product file

NAME may also be the path of a product file. Exit status: 0 built, 1 the product is wrong (every reason is printed),
2 wrong usage, 3 a step of the build failed.
"""
import argparse
import pathlib
import sys

import documents
import image

ROOT = pathlib.Path(__file__).resolve().parents[2]


def find(name):
    if "/" in name or name.endswith(".json"):
        return pathlib.Path(name)
    folder = ROOT / "packaging/sku"
    path = folder / f"{name}.json"
    if not path.exists():
        there = [p.stem for p in folder.glob("*.json")]
        raise documents.Mistake(f"there is no product \"{name}\"; {documents.nearest(name, there)}")
    return path


def list_products():
    for path in sorted((ROOT / "packaging/sku").glob("*.json")):
        product = documents.read_product(ROOT, path)
        print(f"{path.stem:16} {product['form']:10} {product['title']}")


def main():
    parser = argparse.ArgumentParser(prog="sku.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?")
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--arch", choices=["armhf"])
    parser.add_argument("--sign", type=pathlib.Path, metavar="KEY.pem")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--build", type=pathlib.Path, help="a build folder that exists already (for tests)")
    asked = parser.parse_args()
    try:
        if asked.name is None:
            list_products()
            return 0
        product = documents.read_product(ROOT, find(asked.name))
        if asked.check:
            print(f"{asked.name}: valid")
            return 0
        out = (asked.out or ROOT / "build/sku" / product["name"]).absolute()
        image.make(ROOT, product, out, asked)
        return 0
    except documents.Mistake as e:
        print(e, file=sys.stderr)
        return 1
    except image.Failed as e:
        print(e, file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main())
