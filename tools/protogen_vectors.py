"""Golden vectors: one frame per message, every field filled by a fixed rule, encoded here."""
import struct


def pack_uint(v):
    for limit, mark, code in ((0x100, 0xCC, ">B"), (0x10000, 0xCD, ">H"), (2**32, 0xCE, ">I"), (2**64, 0xCF, ">Q")):
        if v < 0x80:
            return bytes([v])
        if v < limit:
            return bytes([mark]) + struct.pack(code, v)
    raise ValueError(v)


def pack_int(v):
    if v >= 0:
        return pack_uint(v)
    for limit, mark, code in ((2**7, 0xD0, ">b"), (2**15, 0xD1, ">h"), (2**31, 0xD2, ">i"), (2**63, 0xD3, ">q")):
        if v >= -32:
            return struct.pack(">b", v)
        if v >= -limit:
            return bytes([mark]) + struct.pack(code, v)
    raise ValueError(v)


def pack_bin(b):
    mark = (b"\xc4" + struct.pack(">B", len(b))) if len(b) < 256 else (b"\xc5" + struct.pack(">H", len(b)))
    return mark + b


def pack_str(b):
    if len(b) < 32:
        return bytes([0xA0 | len(b)]) + b
    mark = (b"\xd9" + struct.pack(">B", len(b))) if len(b) < 256 else (b"\xda" + struct.pack(">H", len(b)))
    return mark + b


def pack_array(items):
    n = len(items)
    return (bytes([0x90 | n]) if n < 16 else b"\xdc" + struct.pack(">H", n)) + b"".join(items)


def text(f, seed):
    """A string within the field's bounds: not empty when it may be, never longer than needed."""
    base = f.name.replace("_", "-") + f"-{seed}" if f.form == "label" else f"{f.name} {seed} é"
    raw = base.encode()[:f.high].decode(errors="ignore").rstrip("-").encode()
    return raw + b"x" * (f.low - len(raw))


def value(schema, f, seed):
    if f.kind == "bool":
        return b"\xc3" if seed % 2 else b"\xc2"
    if f.kind in ("u8", "u16", "u32", "u64", "i32", "i64"):
        return pack_int(f.low + (f.high - f.low) * (seed % 5) // 4)
    if f.kind == "f64":
        return b"\xcb" + struct.pack(">d", seed + 0.5)
    if f.kind == "str":
        return pack_str(text(f, seed))
    if f.kind == "bytes":
        return pack_bin(bytes((seed + i) % 256 for i in range(min(f.high, max(f.low, 8)))))
    if f.kind == "uuid":
        return pack_bin(bytes((16 * seed + i) % 256 for i in range(16)))
    if f.kind == "ip":
        return pack_bin([b"", bytes([10, 66, 0, seed % 256]), bytes([0x20, 1, 0x0d, 0xb8] + [0] * 11 + [seed % 256])][seed % 3])
    if f.kind == "mac":
        return pack_bin(bytes([2, 10, 10, 66, 0, seed % 256]))
    if f.kind == "enum":
        return pack_uint(seed % (f.high + 1))
    return pack_array(fields(schema, schema.structs[f.ref], seed))


def fields(schema, t, seed):
    out = []
    for i, f in enumerate(t.fields):
        n = seed + i + 1
        if f.list_max:
            out.append(pack_array([value(schema, f, n + k) for k in range(min(2, f.list_max))]))
        else:
            out.append(value(schema, f, n))
    return out


def frame(schema, m):
    return pack_array([pack_uint(1), pack_uint(m.id), *fields(schema, m, m.id % 97)])


def generate(schema):
    files = {}
    for m in schema.messages.values():
        raw = frame(schema, m)
        digits = raw.hex()
        lines = [digits[i:i + 96] for i in range(0, len(digits), 96)]
        files[f"vectors/{m.name}.hex"] = (f"# {m.name}, id {m.id}; made by tools/protogen.py\n" + "\n".join(lines) + "\n").encode()
        files[f"fuzz/corpus/decode/{m.name}"] = raw
        files[f"fuzz/corpus/precheck/{m.name}"] = raw
    return files
