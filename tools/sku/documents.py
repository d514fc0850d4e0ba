"""Reads a product's file (packaging/sku/NAME.json) and checks it by packaging/sku.schema.json: every mistake with its path,
what is allowed, and the nearest name there is. The schema is the only place that says what a product may have."""
import difflib
import json
import re

WORDS = {"object": dict, "array": list, "string": str, "boolean": bool}
KNOWN = {"$schema", "title", "description", "default", "type", "enum", "additionalProperties", "required", "properties",
         "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "items", "pattern"}


class Mistake(Exception):
    """What is wrong, in lines for people."""


def nearest(name, names):
    """A sentence that names the nearest of `names`, and all of them."""
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return (f"did you mean \"{close[0]}\"? " if close else "") + "There are: " + ", ".join(sorted(names))


def no_twice(pairs):
    names = [name for name, _ in pairs]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise Mistake(f"\"{min(twice)}\" occurs twice")
    return dict(pairs)


def read(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=no_twice)
    except OSError as e:
        raise Mistake(f"{path}: cannot be read: {e.strerror}") from e
    except json.JSONDecodeError as e:
        raise Mistake(f"{path}:{e.lineno}:{e.colno}: is not JSON: {e.msg}") from e
    except (UnicodeDecodeError, Mistake) as e:
        raise Mistake(f"{path}: {e}") from e


def findings(value, schema, path=""):
    """What of `value` the schema does not allow, a line each."""
    unknown = set(schema) - KNOWN
    assert not unknown, f"the schema uses {unknown}, which nobody checks"
    where = path or "/"
    about = schema.get("description") or schema.get("title", "")
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where}: {json.dumps(value)}: {nearest(str(value), schema['enum'])}"]
    if "type" in schema and not isinstance(value, WORDS[schema["type"]]):
        return [f"{where}: {json.dumps(value)} is not of type {schema['type']} ({about})"]
    if isinstance(value, dict):
        return in_object(value, schema, path)
    if isinstance(value, list):
        return in_list(value, schema, path)
    return in_text(value, schema, where, about) if isinstance(value, str) else []


def in_object(value, schema, path):
    known = schema.get("properties", {})
    out = [f"{path or '/'}: \"{name}\" is missing ({known[name]['title']})" for name in schema.get("required", [])
           if name not in value]
    for name, member in value.items():
        if name in known:
            out += findings(member, known[name], f"{path}/{name}")
        elif schema.get("additionalProperties") is False:
            out.append(f"{path}/{name}: is not known; {nearest(name, list(known))}")
    return out


def in_list(value, schema, path):
    least, most = schema.get("minItems", 0), schema.get("maxItems", len(value))
    out = [] if least <= len(value) <= most else [f"{path}: has {len(value)} entries; allowed are {least} to {most}"]
    if schema.get("uniqueItems"):
        out += [f"{path}: {json.dumps(one)} occurs twice" for i, one in enumerate(value) if one in value[:i]]
    for i, one in enumerate(value):
        out += findings(one, schema.get("items", {}), f"{path}/{i}")
    return out


def in_text(value, schema, where, about):
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        return [f"{where}: has {len(value)} characters; allowed are {schema.get('minLength', 0)} to {schema['maxLength']}"]
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return [f"{where}: \"{value}\" is not {about}"]
    return []


def plugins_of(root):
    """The names of the plugins of the tree: a folder whose CMakeLists.txt adds one."""
    lists = sorted(root.glob("plugins/*/CMakeLists.txt"))
    return [m[1] for m in (re.search(r"dtukit_add_plugin\(\s*([a-z0-9-]+)", f.read_text(encoding="utf-8")) for f in lists) if m]


def read_product(root, path):
    """The product with its defaults filled in, "name" (of the file) and "plugins" as names. Mistake: every finding."""
    product = read(path)
    schema = read(root / "packaging/sku.schema.json")
    wrong = findings(product, schema)
    known = plugins_of(root)
    if not wrong:
        if product["plugins"] == ["*"]:
            product["plugins"] = known
        wrong = [f"/plugins/{i}: \"{name}\" is not a plugin of this tree; {nearest(name, known)}"
                 for i, name in enumerate(product["plugins"]) if name not in known]
    if not wrong and product.get("require_signed") and not product.get("keys"):
        wrong = ["/require_signed: nobody could sign, for there is no key: name one in \"keys\""]
    if wrong:
        raise Mistake("\n".join(f"{path}: {one}" for one in wrong))
    filled = {name: s["default"] for name, s in schema["properties"].items() if "default" in s}
    return {**filled, **product, "name": path.stem}
