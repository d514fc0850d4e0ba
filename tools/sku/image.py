"""Makes what a product ships: a folder to copy to the module, or Debian packages."""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import documents

MARK = "product.json"  # says that a folder is ours to replace


class Failed(Exception):
    """A step of the build, and what it said."""


def say(text):
    print(f"== {text}", flush=True)


def run(*argv, quiet=True, **more):
    """Runs a program; Failed with what it said. Its output is only shown when it fails, unless quiet is False."""
    argv = [str(a) for a in argv]
    try:
        ran = subprocess.run(argv, text=True, check=False, stdout=subprocess.PIPE if quiet else None,
                             stderr=subprocess.STDOUT if quiet else None, **more)
    except OSError as e:
        raise Failed(f"{argv[0]}: cannot be run: {e.strerror}") from e
    if ran.returncode != 0:
        raise Failed(f"{' '.join(argv)}: ended with {ran.returncode}\n{ran.stdout or ''}".rstrip())
    return ran.stdout


class Tree:
    """A build tree that holds what the product needs."""

    def __init__(self, root, product, asked):
        preset = asked.arch or "release"
        static = product["form"] == "static"
        self.product, self.emulator = product, ["qemu-arm-static"] if asked.arch else []
        self.folder = asked.build or root / "build" / f"sku-{product['name'] if static else 'plugins'}-{preset}"
        if asked.build:
            return
        say(f"building ({self.folder})")
        linked_in = ";".join(product["plugins"]) if static else ""
        run("cmake", "--preset", preset, "-B", self.folder, "-DDTUKIT_TESTS=OFF", f"-DDTUKIT_STATIC_PLUGINS={linked_in}",
            cwd=root)
        run("ninja", "-C", self.folder, "installable", quiet=False)

    def install(self, component, to):
        run("cmake", "--install", self.folder, "--component", component, "--prefix", to, "--strip")


def board_of(product, factory_file):
    """board.json: the product's, with what the tool knows. What both name is a mistake rather than a surprise."""
    board = dict(product["board"])
    for name in ("plugin_path", "plugins", "factory_file"):
        if name in board:
            raise documents.Mistake(f"{product['name']}: /board/{name}: is set by the image: leave it out")
    board["factory_file"] = factory_file
    if product["keys"]:
        upgrade = dict(board.get("upgrade", {}))
        if "keys" in upgrade:
            raise documents.Mistake(f"{product['name']}: /board/upgrade/keys: name them in /keys, for plugins and upgrades")
        board["upgrade"] = {**upgrade, "keys": product["keys"]}
        board["plugins"] = {"keys": product["keys"], "require_signed": product["require_signed"]}
    return board


def write(path, content, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2, ensure_ascii=False) + "\n",
                    encoding="utf-8")
    path.chmod(mode)


def sign(tree, product, plugins, key):
    """Each plugin gets its signature beside it, as dtud looks for it. After stripping: the file's bytes are what is signed."""
    if not key:
        if product["require_signed"] and product["form"] == "directory":
            raise documents.Mistake(f"{product['name']}: /require_signed: its plugins have to be signed: give --sign KEY.pem")
        return
    if product["form"] != "directory":
        raise documents.Mistake(f"{product['name']}: --sign is for the form \"directory\": there a plugin is a file of its own")
    run(*tree.emulator, tree.folder / "bin/dtu-sign", "sign", "--key", key, *sorted(plugins.glob("*.so")))


def check(tree, dtud, board, device):
    """What dtud itself says of the documents, with the plugins it finds from where it lies: the product's."""
    environment = {name: value for name, value in os.environ.items() if name != "DTUKIT_PLUGIN_PATH"}
    ran = subprocess.run([*tree.emulator, dtud, "--check", "--board", board, "--device", device], text=True, env=environment,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)
    if ran.returncode != 0:
        raise documents.Mistake(f"{tree.product['name']}: dtud refuses its documents:\n{ran.stdout.rstrip()}")


def folder(root, tree, product, work, asked):
    """bin, libexec, lib/dtukit/plugins, etc, run, dtukit.service: nothing of it names the place it is built in."""
    installed, made = work / "installed", work / "image"
    tree.install("runtime", installed)
    plugins = made / "lib/dtukit/plugins"  # of a static product too: for what a customer adds
    plugins.mkdir(parents=True)
    if product["form"] == "directory":
        for name in product["plugins"]:
            tree.install(f"plugin-{name}", installed)
            shutil.copy(installed / f"lib/dtukit/plugins/{name}.so", plugins)
    sign(tree, product, plugins, asked.sign)
    (made / "bin").mkdir(parents=True)
    for name in ("dtud", "dtuctl"):
        shutil.copy(installed / "bin" / name, made / "bin")
    shutil.copytree(installed / "libexec/dtukit", made / "libexec/dtukit")
    prefix = product["prefix"].rstrip("/")
    write(made / "etc/board.json", board_of(product, f"{prefix}/etc/dtu_config.json"))
    write(made / "etc/dtu_config.json", product["device"])
    shutil.copy(root / "packaging/image/run", made / "run")
    unit = (root / "packaging/image/dtukit.service.in").read_text(encoding="utf-8")
    write(made / "dtukit.service", unit.replace("@prefix@", prefix).replace("@title@", product["title"]))
    write(made / MARK, {name: product[name] for name in ("name", "title", "form", "plugins")})
    for path in [made, *made.rglob("*")]:  # dtud opens no plugin that others may write
        path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    check(tree, made / "bin/dtud", made / "etc/board.json", made / "etc/dtu_config.json")
    return made


POSTINST = """#!/bin/sh
# The board is described now, so the service of dtukit is enabled and started. At its first start dtud takes the factory_file.
# With DPKG_ROOT (dpkg --force-script-chrootless) it touches that folder and nothing else.
set -e

if [ "$1" = configure ]; then
  if command -v deb-systemd-helper >/dev/null; then
    deb-systemd-helper unmask dtukit.service >/dev/null || true
    if deb-systemd-helper --quiet was-enabled dtukit.service; then
      deb-systemd-helper enable dtukit.service >/dev/null || true
    else
      deb-systemd-helper update-state dtukit.service >/dev/null || true
    fi
  fi
  if [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then
    systemctl daemon-reload || true
    if systemctl --quiet is-enabled dtukit.service 2>/dev/null; then
      deb-systemd-invoke restart dtukit.service || true
    fi
  fi
fi
"""
PRERM = """#!/bin/sh
set -e

if [ "$1" = remove ] && [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then
  deb-systemd-invoke stop dtukit.service || true
fi
"""
FACTORY = "/usr/share/dtukit/factory.json"
CONTROL = """Package: dtukit-product-{name}
Version: {version}
Architecture: all
Maintainer: {maintainer}
Section: comm
Priority: optional
Installed-Size: {size}
Depends: {depends}
Conflicts: dtukit-product
Provides: dtukit-product
Description: documents and plugins of the product {name}
 {title}.
 .
 This package has the board file and the device file of a product made of
 dtukit. It depends on the plugins that the product needs, and starts the
 service.
"""


def field(package, name):
    return run("dpkg-deb", "--field", package, name).strip()


def documentation(work, package, to):
    """copyright and changelog of a package that cpack made."""
    run("dpkg-deb", "--extract", package, work / "documented")
    [made] = (work / "documented/usr/share/doc").iterdir()
    to.mkdir(parents=True)
    for name in ("copyright", "changelog.gz"):
        shutil.copyfile(made / name, to / name)
        (to / name).chmod(0o644)


def md5sums(content):
    files = sorted(p for p in content.rglob("*") if p.is_file() and p.parent.name != "DEBIAN")
    return "".join(f"{hashlib.md5(p.read_bytes()).hexdigest()}  {p.relative_to(content)}\n" for p in files)


def packages(tree, product, work):
    """dtukit, the plugins' packages, and dtukit-product-NAME, which has the documents and depends on exactly those."""
    made, content = work / "packages", work / "content"
    made.mkdir()
    run("cpack", "--config", tree.folder / "CPackConfig.cmake", "-B", made, "-D",
        "CPACK_COMPONENTS_ALL=" + ";".join(["runtime", *(f"plugin-{name}" for name in product["plugins"])]))
    shutil.rmtree(made / "_CPack_Packages", ignore_errors=True)
    built = sorted(made.glob("*.deb"))
    write(content / "etc/dtukit/board.json", board_of(product, FACTORY))
    write(content / FACTORY[1:], product["device"])
    documentation(work, built[0], content / f"usr/share/doc/dtukit-product-{product['name']}")
    write(content / "DEBIAN/conffiles", "/etc/dtukit/board.json\n")
    write(content / "DEBIAN/postinst", POSTINST, 0o755)
    write(content / "DEBIAN/prerm", PRERM, 0o755)
    write(content / "DEBIAN/md5sums", md5sums(content))
    write(content / "DEBIAN/control", CONTROL.format(
        name=product["name"], title=product["title"].rstrip("."), version=field(built[0], "Version"),
        size=(size_of(content) + 1023) // 1024,
        maintainer=field(built[0], "Maintainer"), depends=", ".join(field(p, "Package") for p in built)))
    for path in [content, *content.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
    run("dpkg-deb", "--root-owner-group", "--build", content, made)
    write(made / MARK, {name: product[name] for name in ("name", "title", "form", "plugins")})
    for package in built:
        run("dpkg-deb", "--extract", package, work / "unpacked")
    [dtud] = (work / "unpacked").glob("usr/*bin/dtud")
    check(tree, dtud, content / "etc/dtukit/board.json", content / FACTORY[1:])
    return made


def look_at(out):
    """Only a folder that was made here, or an empty one, is replaced."""
    if out.exists() and not (out / MARK).exists() and (not out.is_dir() or any(out.iterdir())):
        raise Failed(f"{out}: exists and is not a product: name another place with --out, or remove it")


def put(made, out):
    out.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(made, out)


def size_of(path):
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())


def make(root, product, out, asked):
    look_at(out)
    tree = Tree(root, product, asked)
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        in_packages = product["form"] == "packages"
        put(packages(tree, product, work) if in_packages else folder(root, tree, product, work, asked), out)
    if in_packages:
        say(f"{out}: {len(list(out.glob('*.deb')))} packages; install them with apt install {out}/*.deb")
    else:
        say(f"{out}: {size_of(out) // 1024} KiB, for {product['prefix']} on the module; {out}/run starts it here")
