"""The documents of protogen: docs/PROTOCOL.md and docs/EVENTS.md."""

MADE = "<!-- Made by tools/protogen.py from proto/: do not edit. -->\n"
PROTOCOL_TOP = MADE + """
# The protocol

One message is one frame, one msgpack array: `[version, message id, fields...]`; the version is 1. Fields come in the order of
the tables, a struct is an array of its fields, a list is an array, an enum is its number. `str` is msgpack str, `bytes`, `uuid`
(16 bytes) and `mac` (6 bytes) are msgpack bin, `ip` is msgpack bin of 4 or 16
bytes in network order, or of none for no address.

A receiver checks before it believes: a frame has at most 1 MiB, 16 levels, one value, no ext types; types are strict, numbers and
lengths (in bytes) are within bounds, strings are UTF-8. `text` has no control characters but TAB and LF; `label` is a-z, 0-9 and
`-`, begins with a letter, does not end with `-`. Fields are only ever appended: unknown trailing fields are ignored, missing ones
refused but those marked "later", which are 0 or empty then: agents are upgraded last. A request has a `request_id`, chosen by its sender and echoed in the one reply; a request may be repeated with the same id.

Between services a message may be a bundle of frames instead (libs/bus/bus_bundle.h): the byte 0xC1, with which no msgpack value
begins, then each frame behind its length as 4 big-endian bytes, at most 256 KiB in all. A bundle of no frames says that its sender
reads bundles: a client that wants them sends one on each new connection, and a server that knows them sends one back. Nobody sends
one with frames before. Agents and publishers send frames.

"""
EVENTS_TOP = MADE + """
# Platform events

What the platform tells the world, in commit order, without gaps: as Server-Sent Events and over HTTP
(`GET /v1/events/stream`, `GET /v1/events?after=N`), and as message [`event`](PROTOCOL.md#event) on the gateways' PUB sockets.
Every event has `stream`, `number`, time, `kind`, `subject` (name of the thing), app, host, actor, operation; the members below are
in its `data` object. `changed` holds `[old, new]` per member.

"""


def cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell(c) for c in row) + " |" for row in rows]
    return "\n".join(lines) + "\n\n"


def type_words(f):
    words = f"[{f.ref}](#{f.ref})" if f.ref else f.kind
    return f"list of {words}, at most {f.list_max}" if f.list_max else words


def bound_words(f):
    if f.kind in ("str", "bytes"):
        length = f"{f.high}" if f.low == f.high else f"{f.low}..{f.high}"
        return f"{length} bytes" + (f", {f.form}" if f.form else "")
    full = {"u8": 2**8, "u16": 2**16, "u32": 2**32, "u64": 2**64}.get(f.kind)
    if full and (f.low, f.high) != (0, full - 1):
        return f"{f.low}..{f.high}"
    return ""


def fields_table(t):
    return table(["field", "type", "bounds", "meaning"],
                 [[f"`{f.name}`", type_words(f), bound_words(f), ("Later. " if f.later else "") + f.doc] for f in t.fields])


def message_text(m):
    reply = "" if not m.reply else " Answered by " + " or ".join(f"[{r}](#{r})" for r in m.reply) + "."
    return f"### {m.name}\n\nId {m.id}, from the {m.sender}.{reply} {m.doc}\n\n{fields_table(m)}"


def protocol_text(p):
    out = f"## {p.name}\n\n{p.doc}\n\n"
    if p.conversation:
        out += f"```\n{p.conversation.strip()}\n```\n\n"
    out += "".join(message_text(m) for m in p.messages.values())
    for s in p.structs.values():
        out += f"### {s.name}\n\nStruct. {s.doc}\n\n{fields_table(s)}"
    for name, (doc, values) in p.enums.items():
        rows = [[i, f"`{v}`", d] for i, (v, d) in enumerate(values)]
        out += f"### {name}\n\nEnum. {doc}\n\n{table(['number', 'value', 'meaning'], rows)}"
    return out


def generate(schema):
    ids = sorted(schema.messages.values(), key=lambda m: m.id)
    index = table(["id", "message", "from", "meaning"], [[m.id, f"[{m.name}](#{m.name})", m.sender, m.doc] for m in ids])
    protocol = PROTOCOL_TOP + index + "".join(protocol_text(p) for p in schema.protocols)
    events = EVENTS_TOP
    for kind, (doc, data) in schema.events.items():
        events += f"## {kind}\n\n{doc}\n\n"
        events += table(["data", "value"], [[f"`{n}`", d] for n, d in data.items()]) if data else "No data.\n\n"
    return {"PROTOCOL.md": protocol.rstrip() + "\n", "EVENTS.md": events.rstrip() + "\n"}
