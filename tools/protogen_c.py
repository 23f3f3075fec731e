"""The C half of protogen: types, field tables, typed codecs, dispatch."""
import textwrap

SCALARS = {"bool": "bool", "u8": "uint8_t", "u16": "uint16_t", "u32": "uint32_t", "u64": "uint64_t", "i32": "int32_t",
           "i64": "int64_t", "f64": "double", "str": "sot_str", "bytes": "sot_str", "uuid": "sot_uuid",
           "mac": "sot_mac", "ip": "sot_ip"}
MADE = "/* Made by tools/protogen.py from proto/: do not edit. */\n"
# sender -> (suffix of the handler table, suffix of the dispatch function, words)
TABLES = {"client": ("handlers", "dispatch", "what clients send"),
          "server": ("replies", "dispatch_reply", "what the server sends"),
          "publisher": ("feed", "dispatch_feed", "what publishers send")}


def comment(text, indent=""):
    lines = textwrap.wrap(text.replace("*/", "* /"), 92, initial_indent=f"{indent}/* ", subsequent_indent=f"{indent} * ")
    return "\n".join(lines) + " */\n"


def c_type(field):
    return f"sot_{field.ref}" if field.ref else SCALARS[field.kind]


def enum_code(name, doc, values, texts):
    """The enum; `texts` are the words that its _name gives (for events they have dots)."""
    upper = f"SOT_{name}".upper()
    rows = "".join(f"\t{upper}_{v.upper()}, /* {d} */\n" for v, d in values)
    return (f"{comment(doc)}typedef enum sot_{name} {{\n{rows}}} sot_{name};\n"
            f"enum {{ {upper}_COUNT = {len(values)} }};\n"
            f"const char *sot_{name}_name(sot_{name} value); /* \"?\" when out of range */\n"
            f"int sot_{name}_find(sot_str name); /* the value, or -1 */\n\n")


def enum_source(name, texts):
    rows = ", ".join(f'"{t}"' for t in texts)
    rows = "\n\t".join(textwrap.wrap(rows, 88, break_on_hyphens=False, break_long_words=False))
    return (f"_Static_assert(sizeof(sot_{name}) == 4, \"the codec stores enums as 4 bytes\");\n"
            f"static const char *const {name}_names[] = {{\n\t{rows}}};\n\n"
            f"const char *sot_{name}_name(sot_{name} value)\n{{\n"
            f"\treturn (size_t)value < {len(texts)} ? {name}_names[(size_t)value] : \"?\";\n}}\n\n"
            f"int sot_{name}_find(sot_str name)\n{{\n\treturn find_name({name}_names, {len(texts)}, name);\n}}\n\n")


def members(t):
    out = ""
    for f in t.fields:
        star = "*" if f.list_max else ""
        out += comment(f.doc, "\t") + f"\t{c_type(f)} {star}{f.name};\n"
        if f.list_max:
            out += f"\tsize_t {f.name}_count; /* at most {f.list_max} */\n"
    return out


def type_code(t):
    doc = t.doc + (f" Sent by the {t.sender}." if t.id else "")
    name = f"sot_{t.name}"
    out = f"{comment(doc)}typedef struct {name} {{\n{members(t)}}} {name};\n"
    if t.id:
        out += f"enum {{ SOT_MSG_{t.name.upper()} = {t.id} }};\n"
    return out + (f"extern const sot_wire_struct {name}_type;\n"
                  f"sot_code {name}_encode(const {name} *m, sot_buf *out, sot_err *err) SOT_CHECK;\n"
                  f"sot_code {name}_decode(sot_str frame, sot_arena *arena, {name} *ret, sot_err *err) SOT_CHECK;\n\n")


def field_row(t, f):
    low = "INT64_MIN" if f.low == -2**63 else str(f.low)
    row = f"\t{{.name = \"{f.name}\", .kind = SOT_WIRE_{f.kind.upper()}, .offset = offsetof(sot_{t.name}, {f.name})"
    if f.form:
        row += f", .format = SOT_WIRE_{f.form.upper()}"
    if f.low or f.high:
        row += f",\n\t\t.min = {low}, .max = {f.high}u"
    if f.list_max:
        row += f",\n\t\t.list = true, .list_max = {f.list_max}, .count_offset = offsetof(sot_{t.name}, {f.name}_count)"
    if f.kind == "struct":
        row += f", .nested = &sot_{f.ref}_type"
    if f.later:
        row += ", .later = true"
    return row + "},\n"


def type_source(t):
    name = f"sot_{t.name}"
    rows = "".join(field_row(t, f) for f in t.fields)
    return (f"static const sot_wire_field {t.name}_fields[] = {{\n{rows}}};\n"
            f"const sot_wire_struct {name}_type = {{\"{t.name}\", {t.id}, sizeof({name}), {t.name}_fields, "
            f"{len(t.fields)}}};\n\n"
            f"sot_code {name}_encode(const {name} *m, sot_buf *out, sot_err *err)\n{{\n"
            f"\treturn sot_wire_encode(&{name}_type, m, out, err);\n}}\n\n"
            f"sot_code {name}_decode(sot_str frame, sot_arena *arena, {name} *ret, sot_err *err)\n{{\n"
            f"\treturn sot_wire_decode(&{name}_type, frame, arena, ret, err);\n}}\n\n")


def tables(schema):
    """(protocol name, sender, messages): common's messages are in every table of their sender, but
    its publications, which have a socket of their own."""
    common = schema.protocols[0]
    for p in schema.protocols:
        for sender in TABLES:
            own = [m for m in p.messages.values() if m.sender == sender]
            if p is common:
                if sender == "publisher":
                    yield p.name, sender, own
                continue
            if own and sender != "publisher":
                own = own + [m for m in common.messages.values() if m.sender == sender]
            if own:
                yield p.name, sender, own


def dispatch_prototype(protocol, sender):
    table, function, _ = TABLES[sender]
    return (f"sot_code sot_{protocol}_{function}(const sot_{protocol}_{table} *h, void *self, const void *from,\n"
            f"\tsot_str frame, sot_arena *arena, sot_err *err)")


def dispatch_code(protocol, sender, messages):
    table, _, words = TABLES[sender]
    rows = "".join(f"\tvoid (*{m.name})(void *self, const void *from, const sot_{m.name} *m);\n" for m in messages)
    return (f"/* {protocol}: {words}. A NULL handler refuses its message. `from` is passed through; `m` lives\n"
            f" * in the arena. */\n"
            f"typedef struct sot_{protocol}_{table} {{\n{rows}}} sot_{protocol}_{table};\n"
            f"{dispatch_prototype(protocol, sender)} SOT_CHECK;\n\n")


def dispatch_source(protocol, sender, messages):
    cases = "".join(f"\tcase SOT_MSG_{m.name.upper()}:\n\t\tDISPATCH({m.name});\n" for m in messages)
    return (f"{dispatch_prototype(protocol, sender)}\n{{\n\tsot_wire_head head;\n"
            f"\tsot_code code = sot_wire_peek(frame, &head, err);\n\tif (code != SOT_OK)\n\t\treturn code;\n"
            f"\tswitch (head.id) {{\n{cases}\tdefault:\n\t\treturn no_handler(head.id, err);\n\t}}\n}}\n\n")


HEADER_TOP = MADE + """/* sot_proto - every message, struct and enum of proto/, with bounded codecs and dispatch.
 *
 * x_encode appends one frame to `out` and refuses (SOT_INVALID) what a peer would refuse; SOT_LIMIT
 * when the frame or the buffer is full. x_decode checks version, id, types, ranges, lengths and
 * UTF-8, ignores unknown trailing fields, refuses missing ones but later ones (they are 0 or empty
 * when the sender does not know them yet), copies strings and lists into the
 * arena; `ret` is untouched on failure; the text of an error names message.field. Structs have the
 * same pair, for storage: the frame is then the array of their fields.
 * x_dispatch decodes a frame and calls its handler: SOT_NOT_FOUND when the message has none.
 * Meaning and bounds of the fields: docs/PROTOCOL.md. Pure.
 */
#ifndef SOT_PROTO_H
#define SOT_PROTO_H

#include "sot_wire_codec.h"

"""

CODEC_TOP = MADE + """#include "sot_proto.h"

static int find_name(const char *const *names, size_t count, sot_str name)
{
	for (size_t i = 0; i < count; i++)
		if (sot_str_eq_c(name, names[i]))
			return (int)i;
	return -1;
}

"""

DISPATCH_TOP = MADE + """#include "sot_proto.h"

#include <inttypes.h>

static sot_code no_handler(uint32_t id, sot_err *err)
{
	const sot_wire_struct *type = sot_proto_message(id);
	if (type)
		return sot_fail(err, SOT_NOT_FOUND, "message %s is not answered here", type->name);
	return sot_fail(err, SOT_NOT_FOUND, "message id %" PRIu32 " is unknown", id);
}

#define DISPATCH(message)                                                                          \\
	do {                                                                                           \\
		sot_##message m;                                                                           \\
		if (!h->message)                                                                           \\
			return no_handler(head.id, err);                                                       \\
		code = sot_##message##_decode(frame, arena, &m, err);                                      \\
		if (code == SOT_OK)                                                                        \\
			h->message(self, from, &m);                                                            \\
		return code;                                                                               \\
	} while (0)

"""


def all_enums(schema):
    """(name, doc, [(value, doc)], texts), with the event kinds as the last."""
    for name, (doc, values) in schema.enums.items():
        yield name, doc, values, [v for v, _ in values]
    kinds = [(k.replace(".", "_"), doc) for k, (doc, _) in schema.events.items()]
    yield "event_kind", "Kinds of platform events (docs/EVENTS.md); the name has a dot.", kinds, list(schema.events)


def generate(schema):
    types = [*schema.structs_in_order(), *schema.messages.values()]
    header = HEADER_TOP + "".join(enum_code(*e) for e in all_enums(schema)) + "".join(type_code(t) for t in types)
    header += ("/* Every message, by rising id. */\nextern const sot_wire_struct *const sot_proto_messages[];\n"
               f"enum {{ SOT_PROTO_MESSAGE_COUNT = {len(schema.messages)} }};\n"
               "/* The message with that id, or NULL. */\nconst sot_wire_struct *sot_proto_message(uint32_t id);\n\n")
    codec = CODEC_TOP + "".join(enum_source(n, texts) for n, _, _, texts in all_enums(schema))
    codec += "".join(type_source(t) for t in types)
    ordered = "".join(f"\t&sot_{m.name}_type,\n" for m in sorted(schema.messages.values(), key=lambda m: m.id))
    codec += (f"const sot_wire_struct *const sot_proto_messages[] = {{\n{ordered}}};\n\n"
              "const sot_wire_struct *sot_proto_message(uint32_t id)\n{\n"
              "\tfor (size_t i = 0; i < SOT_PROTO_MESSAGE_COUNT; i++)\n\t\tif (sot_proto_messages[i]->id == id)\n"
              "\t\t\treturn sot_proto_messages[i];\n\treturn NULL;\n}\n")
    dispatch = DISPATCH_TOP
    for table in tables(schema):
        header += dispatch_code(*table)
        dispatch += dispatch_source(*table)
    return {"sot_proto.h": header + "#endif\n", "sot_proto_codec.c": codec, "sot_proto_dispatch.c": dispatch}
