#!/usr/bin/env python3
"""Turns proto/*.toml into C codecs, dispatch tables, documents, golden vectors and a fuzz corpus.

    protogen.py --code DIR         sot_proto.h, sot_proto_codec.c, sot_proto_dispatch.c   (in the build)
    protogen.py --docs             docs/PROTOCOL.md and docs/EVENTS.md                    (committed)
    protogen.py --vectors          tests/vectors/*.hex and tests/fuzz/corpus/decode/*     (committed)
    ... --check                    with --docs or --vectors: write nothing, fail when they differ

The grammar of the schema is in the head of proto/common.toml. The vectors are encoded here, not by
the C code, so that the two check each other.
"""
import argparse
import dataclasses
import pathlib
import re
import sys
import tomllib

import protogen_c
import protogen_docs
import protogen_vectors

ROOT = pathlib.Path(__file__).resolve().parent.parent
NUMBERS = {"u8": (0, 2**8 - 1), "u16": (0, 2**16 - 1), "u32": (0, 2**32 - 1), "u64": (0, 2**64 - 1),
           "i32": (-2**31, 2**31 - 1), "i64": (-2**63, 2**63 - 1)}
PLAIN = {"bool", "f64", "str", "bytes", "uuid", "mac", "ip"}
NAME = re.compile(r"[a-z][a-z0-9_]*$")
RESERVED = set("auto break case char const continue default do double else enum extern float for goto if inline int "
               "long register restrict return short signed sizeof static struct switch typedef union unsigned void "
               "volatile while bool true false".split())
FIELD_KEYS = {"type", "min", "max", "item_max", "list", "format", "doc", "later"}
SENDERS = {"client", "server", "publisher"}


class Refused(Exception):
    """A schema that breaks its grammar; the text says where."""


@dataclasses.dataclass
class Field:
    name: str
    kind: str           # u8 ... mac, enum, struct
    ref: str            # name of the enum or struct, else ""
    low: int            # bounds of the number, or of the length in bytes
    high: int
    form: str           # "", "text", "label"
    list_max: int       # 0: not a list
    doc: str
    later: bool         # senders from before it leave it out


@dataclasses.dataclass
class Type:
    """A struct, or a message (id > 0)."""
    name: str
    doc: str
    fields: list
    id: int = 0
    sender: str = ""
    reply: tuple = ()


@dataclasses.dataclass
class Protocol:
    name: str
    doc: str
    conversation: str
    enums: dict         # name -> (doc, [(value, doc)])
    structs: dict
    messages: dict
    events: dict        # kind -> (doc, {field: doc})


@dataclasses.dataclass
class Schema:
    protocols: list

    def __post_init__(self):
        self.enums = {n: e for p in self.protocols for n, e in p.enums.items()}
        self.structs = {n: s for p in self.protocols for n, s in p.structs.items()}
        self.messages = {n: m for p in self.protocols for n, m in p.messages.items()}
        self.events = {n: e for p in self.protocols for n, e in p.events.items()}

    def structs_in_order(self):
        """Every struct after the structs it holds."""
        done, open_ = [], []

        def visit(s):
            if s in done:
                return
            if s in open_:
                raise Refused(f"struct {s.name} holds itself")
            open_.append(s)
            for f in s.fields:
                if f.kind == "struct":
                    visit(self.structs[f.ref])
            done.append(s)
        for s in self.structs.values():
            visit(s)
        return done


def need(condition, where, text):
    if not condition:
        raise Refused(f"{where}: {text}")


def parse_field(where, name, raw):
    need(NAME.match(name) and name not in RESERVED, where, "a field's name is lower case and no word of C")
    need(not set(raw) - FIELD_KEYS, where, f"unknown key {sorted(set(raw) - FIELD_KEYS)}")
    need(raw.get("doc"), where, "doc is missing")
    kind, _, ref = raw.get("type", "").partition(":")
    is_list = raw.get("list", False)
    low, high = raw.get("min", None), raw.get("item_max" if is_list else "max", None)
    need(not is_list or raw.get("max", 0) > 0, where, "a list needs max")
    if kind in NUMBERS:
        floor, ceiling = NUMBERS[kind]
        low, high = floor if low is None else low, ceiling if high is None else high
        need(floor <= low <= high <= ceiling, where, "bounds do not fit the type")
    elif kind in ("str", "bytes"):
        need(high is not None, where, "str and bytes need max (item_max in a list)")
        low = low or 0
        need(0 <= low <= high <= 2**20, where, "bounds of a length are 0 .. 1 MiB")
    else:
        need(kind in PLAIN or (kind in ("enum", "struct") and ref), where, f"unknown type {raw.get('type')}")
        need(low is None and high is None, where, f"{kind} takes no bounds")
        low, high = 0, 0
    form = raw.get("format", "")
    need(form in ("", "text", "label") and (not form or kind == "str"), where, "format is text or label, of a str")
    later = raw.get("later", False)
    need(not later or is_list or (kind != "struct" and low <= 0), where, "a later field that is left out is 0 or empty: it must be allowed to be")
    return Field(name, kind, ref, low, high, form, raw["max"] if is_list else 0, raw["doc"], later)


def parse_type(where, name, raw, is_message):
    need(NAME.match(name), where, "not a name")
    allowed = {"doc", "field"} | ({"id", "from", "reply"} if is_message else set())
    need(not set(raw) - allowed, where, f"unknown key {sorted(set(raw) - allowed)}")
    need(raw.get("doc"), where, "doc is missing")
    fields = [parse_field(f"{where}.{n}", n, f) for n, f in raw.get("field", {}).items()]
    need(fields, where, "no fields")
    need([f.later for f in fields] == sorted(f.later for f in fields), where, "later fields are the last ones")
    if not is_message:
        return Type(name, raw["doc"], fields)
    need(raw.get("id", 0) > 0 and raw.get("from") in SENDERS, where, "needs id > 0, and from client, server or publisher")
    return Type(name, raw["doc"], fields, raw["id"], raw["from"], tuple(raw.get("reply", ())))


def parse_protocol(path):
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    head = raw.get("protocol", {})
    need(head.get("name") == path.stem and head.get("doc"), path.name, "[protocol] needs doc, and name = the file's")
    known = {"protocol", "enum", "struct", "message", "event"}
    need(not set(raw) - known, path.name, f"unknown section {sorted(set(raw) - known)}")
    enums = {}
    for name, e in raw.get("enum", {}).items():
        need(NAME.match(name) and e.get("doc") and e.get("values"), f"{path.name} enum.{name}", "needs doc and values")
        for v in e["values"]:
            need(NAME.match(v["name"]) and v["doc"], f"{path.name} enum.{name}", "a value has name and doc")
        enums[name] = (e["doc"], [(v["name"], v["doc"]) for v in e["values"]])

    def types(section, is_message):
        return {n: parse_type(f"{path.name} {section}.{n}", n, t, is_message) for n, t in raw.get(section, {}).items()}
    events = {n: (e["doc"], e["data"]) for n, e in raw.get("event", {}).items()}
    return Protocol(head["name"], head["doc"], head.get("conversation", ""), enums, types("struct", False),
                    types("message", True), events)


def load(folder):
    """All protocols, common first, cross-checked."""
    paths = sorted(folder.glob("*.toml"), key=lambda p: (p.stem != "common", p.stem))
    schema = Schema([parse_protocol(p) for p in paths])
    seen_ids, seen_names = {}, {}
    for p in schema.protocols:
        for name in [*p.enums, *p.structs, *p.messages]:
            need(name not in seen_names, p.name, f"the name {name} is taken by {seen_names.get(name)}")
            seen_names[name] = p.name
        for m in p.messages.values():
            need(m.id not in seen_ids, f"{p.name}.{m.name}", f"id {m.id} is taken by {seen_ids.get(m.id)}")
            seen_ids[m.id] = m.name
            need(not set(m.reply) - set(schema.messages), f"{p.name}.{m.name}", "reply names no message")
    for t in [*schema.structs.values(), *schema.messages.values()]:
        need(len({f.name for f in t.fields} | {f.name + "_count" for f in t.fields if f.list_max})
             == len(t.fields) + sum(1 for f in t.fields if f.list_max), t.name, "two members of one name")
        for f in t.fields:
            where = f"{t.name}.{f.name}"
            need(f.kind != "enum" or f.ref in schema.enums, where, f"no enum {f.ref}")
            need(f.kind != "struct" or f.ref in schema.structs, where, f"no struct {f.ref}")
            if f.kind == "enum":
                f.high = len(schema.enums[f.ref][1]) - 1
    schema.structs_in_order()
    return schema


def put(files, check):
    """Writes {path: bytes}; with check only compares. True when all is well."""
    stale = [p for p, content in files.items() if not p.exists() or p.read_bytes() != content]
    if check:
        for p in stale:
            print(f"protogen: {p} is not what proto/ says; run tools/protogen.py --docs --vectors", file=sys.stderr)
        return not stale
    for p in stale:
        p.parent.mkdir(parents=True, exist_ok=True)
        p.write_bytes(files[p])
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--proto", type=pathlib.Path, default=ROOT / "proto")
    parser.add_argument("--code", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--docs", action="store_true")
    parser.add_argument("--vectors", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    try:
        schema = load(options.proto)
    except (Refused, tomllib.TOMLDecodeError, OSError, KeyError) as why:
        print(f"protogen: {why!r}" if isinstance(why, KeyError) else f"protogen: {why}", file=sys.stderr)
        return 1
    files = {}
    if options.code:
        files |= {options.code / n: t.encode() for n, t in protogen_c.generate(schema).items()}
    if options.docs:
        files |= {ROOT / "docs" / n: t.encode() for n, t in protogen_docs.generate(schema).items()}
    if options.vectors:
        files |= {ROOT / "tests" / n: b for n, b in protogen_vectors.generate(schema).items()}
    return 0 if put(files, options.check) else 1


if __name__ == "__main__":
    sys.exit(main())
