#!/usr/bin/env python3
"""Functions that this project does not call, in code and tests, and what to use instead."""
import re

import check_common

INSTEAD = {
    "strcpy": "sot_str_copy", "strcat": "sot_buf_add_c", "sprintf": "snprintf or sot_buf_printf",
    "vsprintf": "vsnprintf", "gets": "fgets", "strtok": "sot_str_cut", "strtok_r": "sot_str_cut",
    "atoi": "sot_parse_i64", "atol": "sot_parse_i64", "atoll": "sot_parse_i64", "atof": "sot_parse_double",
    "strtol": "sot_parse_i64", "strtoul": "sot_parse_u64", "strtoll": "sot_parse_i64", "strtoull": "sot_parse_u64",
    "sscanf": "sot_parse", "localtime": "sot_wall_format", "localtime_r": "sot_wall_format",
    "gmtime": "sot_wall_format", "ctime": "sot_wall_format", "asctime": "sot_wall_format",
    "rand": "sot_rand_u64", "srand": "sot_rand_seed", "random": "sot_rand_u64",
    "system": "posix_spawn or the reactor's children", "popen": "posix_spawn or the reactor's children",
    "alloca": "an arena", "tmpnam": "mkstemp", "mktemp": "mkstemp",
    "sleep": "a timer of the loop, or wait for the event itself",
    "usleep": "a timer of the loop, or wait for the event itself",
    "zclock_sleep": "a timer of the loop", "zmsg_decode": "sot_proto (it crashes on hostile bytes)",
    "zmsg_popmsg": "sot_proto (it crashes on hostile bytes)", "zloop_start": "reactor",
}
CALL = re.compile(r"(?<![A-Za-z0-9_.>])(" + "|".join(INSTEAD) + r")\s*\(")
# In tests a sleep of any kind hides a race.
TEST_SLEEP = re.compile(r"(?<![A-Za-z0-9_])(nanosleep|clock_nanosleep)\s*\(")
SHELL_SLEEP = re.compile(r"^\s*(?:[^#\n]*[;&|]\s*)?sleep\s+[0-9.$]", re.M)
PERCENT_N = re.compile(r'"[^"\n]*%n[^"\n]*"')
MARKS = re.compile(r"\b(TODO|FIXME|XXX)\b")


AUTO_BUF = re.compile(r"SOT_AUTO_BUF ([a-z_0-9]+(?:, [a-z_0-9]+)*);")


def unmade_buffers(bare):
    """A buffer that the scope clears, where a way out lies before anything has made it: garbage would be freed."""
    for m in AUTO_BUF.finditer(bare):
        for name in m[1].split(", "):
            first = re.compile(rf"&{name}\b|\breturn\b|\bgoto\b").search(bare, m.end())
            if first and not first[0].startswith("&"):
                yield m.start(), f"{name} is cleared by a way out before it is made: sot_buf_init first"


def is_test(path):
    return path.parts[0] == "tests" or path.stem.endswith("_test")


def check_c(path, text):
    bare = check_common.bare(text)
    found = [(m.start(), f"{m[1]}: use {INSTEAD[m[1]]}") for m in CALL.finditer(bare)]
    if is_test(path):
        found += [(m.start(), f"{m[1]} in a test: wait for the event itself") for m in TEST_SLEEP.finditer(bare)]
    found += unmade_buffers(bare)
    found += [(m.start(), "%n in a format") for m in PERCENT_N.finditer(text) if "printf" in text[:m.start()].rsplit("\n", 1)[-1]]
    found += [(m.start(), f"{m[1]}: finish it, or open an issue") for m in MARKS.finditer(text)]
    return found


def check_shell(path, text):
    return [(m.start(), "sleep in a test: wait for the event itself") for m in SHELL_SLEEP.finditer(text)]


def check(root):
    files = [p.relative_to(root) for p in check_common.tracked(root, {".c", ".h", ".sh"})]
    complaints = []
    for path in files:
        text = (root / path).read_text(encoding="utf-8", errors="replace")
        if path.suffix != ".sh":
            found = check_c(path, text)
        else:
            found = check_shell(path, text) if is_test(path) else []
        complaints += [f"{path}:{text.count(chr(10), 0, at) + 1}: {what}" for at, what in sorted(found)]
    return complaints, len(files)


FAULTS = [
    ("libs/base/x.c", "void f(char *a, char *b)\n{\n\tstrcpy(a, b);\n}\n", "x.c:3: strcpy"),
    ("libs/base/x.c", "int f(void)\n{\n\treturn rand ();\n}\n", "rand"),
    ("services/ipam/shell/x_test.c", "void f(void)\n{\n\tsleep(1);\n}\n", "sleep"),
    ("tests/sim/x.c", "void f(void)\n{\n\tnanosleep(0, 0);\n}\n", "nanosleep in a test"),
    ("tests/e2e/x.sh", "start\nsleep 1\n", "x.sh:2: sleep in a test"),
    ("libs/base/x.c", 'void f(int *n)\n{\n\tprintf("%n", n);\n}\n', "%n"),
    ("libs/base/x.c", "/* TO" + "DO: later */\n", "finish it"),
    ("libs/base/x.c", "void f(int a)\n{\n\tSOT_AUTO_BUF text;\n\tif (a)\n\t\treturn;\n\tsot_buf_init(&text, 8);\n}\n", "x.c:3: text is cleared"),
    ("libs/base/x.c", "int f(void)\n{\n\tSOT_AUTO_BUF text;\n\tsot_buf_init(&text, 8);\n\treturn 1;\n}\n", ""),
    ("libs/base/x.c", '/* strcpy(a) */ const char *s = "system(x)";\nint sot_rand(int);\nint y = o->rand(1);\n', ""),
]

if __name__ == "__main__":
    check_common.run(__doc__, check, FAULTS)
