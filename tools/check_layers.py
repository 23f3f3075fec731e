#!/usr/bin/env python3
"""Who may include whom. Arrows go one way; a core has no shell, a service has no other service.

Checked for every #include of a header that lies in this tree, and of the system headers that only
one layer may know (a core knows none of sockets, SQL, HTTP, processes, clocks).
"""
import re

import check_common

GENERATED = {"sot_proto.h": "proto"}
# layer -> layers it may include besides itself
LIBS = {
    "base": set(),
    "wire": {"base"},
    "proto": {"base", "wire"},
    "reactor": {"base"},
    "bus": {"base", "wire", "reactor", "proto"},
    "store": {"base", "reactor"},
    "http": {"base", "reactor"},
    "control": {"base", "reactor"},
    "ssh": {"base"},
    "catread": {"base"},
    "exec": set(),
    "websocket": {"base"},
    "sim": {"base", "wire", "proto"},
    "testing": set(),
    "hostkeys": {"base", "bus", "store"},
}
FOR_TESTS = {"sim", "testing"}
# What a pure core must not see, besides the libraries with I/O.
IMPURE = re.compile(r"(sys/(socket|epoll|wait|mman|file|random|inotify)|net/.*|netinet/.*|arpa/.*|unistd|fcntl|poll|signal|"
                    r"pthread|libpq-fe|zmq|czmq|curl/.*|uv|sot_(log|file|config|failpoint|metrics))\.h$")
# stdio.h and time.h have pure parts (snprintf, struct tm); these calls are not among them.
IMPURE_CALL = re.compile(r"(?<![A-Za-z0-9_.>])(printf|fprintf|vfprintf|puts|fputs|perror|fopen|getenv|time|clock_gettime|"
                         r"gettimeofday|sot_mono_now|sot_wall_now|sot_rand_bytes)\s*\(")
# A third-party header belongs to one library.
PURE_PARTS = {"scheduler/placement"}
OWNERS = {"libpq-fe.h": {"store"}, "uv.h": {"reactor"}, "czmq.h": {"bus"}, "msgpack.h": {"wire"}}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)


def layer_of(path):
    """libs/bus/x.c -> bus; services/ipam/core/x.c -> ipam/core; others by their first folder. A pure part of a core
    that others link too (PURE_PARTS) is held to the core's rules."""
    parts = path.parts
    if parts[0] == "libs" and len(parts) > 2:
        return parts[1]
    if parts[0] == "services" and len(parts) > 3 and (parts[2] == "core" or "/".join(parts[1:3]) in PURE_PARTS):
        return f"{parts[1]}/core"
    if parts[0] == "services" and len(parts) > 2:
        return f"{parts[1]}/shell"
    return parts[0]


def is_test(path):
    return path.stem.endswith(("_test", "_fuzz", "_bench")) or "tests" in path.parts or path.parts[0] == "tools"


def allowed(source, target):
    if source == target or target in ("base", "proto", "wire", "exec") and source not in LIBS:
        return True
    if source in LIBS:
        return target in LIBS[source]
    if source.endswith("/core"):
        return False
    if source.endswith("/shell"):
        return target in LIBS and target not in FOR_TESTS or target == source.replace("/shell", "/core")
    return target in LIBS and target not in FOR_TESTS


def complaint(path, line, text):
    return f"{path}:{line}: {text}"


def check_include(path, source, header, owners, line):
    targets = owners.get(header.rsplit("/", 1)[-1], set())
    if source.endswith("/core") and IMPURE.match(header):
        return complaint(path, line, f"a core is pure: it may not include {header}")
    if header in OWNERS and source in LIBS and source not in OWNERS[header]:
        return complaint(path, line, f"{header} belongs to libs/{'/'.join(OWNERS[header])}, not to {source}")
    if targets and not any(allowed(source, t) for t in targets):
        return complaint(path, line, f"{source} may not include {header} of {'/'.join(sorted(targets))}")
    return None


def check(root):
    files = [p.relative_to(root) for p in check_common.tracked(root, {".c", ".h"})]
    owners = {name: {layer} for name, layer in GENERATED.items()}
    # In a planted tree the libraries' headers are not there: their names are known anyway.
    owners |= {"reactor.h": {"reactor"}, "store.h": {"store"}, "bus.h": {"bus"}, "sot_wire.h": {"wire"}}
    for path in files:
        if path.suffix == ".h":
            owners.setdefault(path.name, set()).add(layer_of(path))
    complaints = []
    for path in files:
        if is_test(path):
            continue
        text = (root / path).read_text(encoding="utf-8", errors="replace")
        for m in INCLUDE.finditer(text):
            wrong = check_include(path, layer_of(path), m[1], owners, text.count("\n", 0, m.start(1)) + 1)
            complaints += [wrong] if wrong else []
        if layer_of(path).endswith("/core"):
            bare = check_common.bare(text)
            complaints += [complaint(path, bare.count("\n", 0, m.start()) + 1, f"a core is pure: it may not call {m[1]}")
                           for m in IMPURE_CALL.finditer(bare)]
    return complaints, len(files)


FAULTS = [
    ("libs/base/x.c", '#include "reactor.h"\n', "base may not include reactor.h"),
    ("libs/store/x.c", '#include "bus.h"\n', "store may not include bus.h"),
    ("libs/bus/x.c", '#include <libpq-fe.h>\n', "belongs to libs/store"),
    ("services/ipam/core/x.c", '#include "store.h"\n', "ipam/core may not include store.h"),
    ("services/ipam/core/x.c", '\n#include <sys/socket.h>\n', "core/x.c:2: a core is pure"),
    ("services/ipam/core/x.c", '#include "sot_log.h"\n', "a core is pure"),
    ("services/ipam/core/x.c", "int64_t f(void)\n{\n\treturn sot_wall_now().unix_ms;\n}\n", "x.c:3: a core is pure"),
    ("services/ipam/core/x.c", '#include "sot_proto.h"\n#include <string.h>\n', ""),
    ("services/ipam/shell/x.c", '#include "store.h"\n#include "bus.h"\n', ""),
]

if __name__ == "__main__":
    check_common.run(__doc__, check, FAULTS)
