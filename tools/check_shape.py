#!/usr/bin/env python3
"""Prints outliers for the reviewer: long functions and files, wide lines, deep nesting, many parameters.

It complains and fails only about what the house does not do at all: a function over 80 lines, a .c
file over 600 lines, a line over 100 columns. The rest is printed as advice.
"""
import re
import statistics

import check_common

FUNCTION_MAX, FILE_MAX, COLUMNS = 80, 600, 100
FUNCTION_AIM, PARAMETERS_AIM, NESTING_AIM = 50, 7, 3
# A definition begins in column 0 and its body with a '{' in column 0.
HEAD = re.compile(r"^([A-Za-z_][^;{}#]*?\b([A-Za-z_]\w*)\s*\(([^;{}]*)\))\n\{\n(.*?)^\}$", re.M | re.S)


def functions(text):
    """(name, line, lines of the body, parameters, deepest nesting) of each function."""
    bare = check_common.bare(text)
    for m in HEAD.finditer(bare):
        body = m[4]
        depth = deepest = 0
        for c in body:
            depth += (c == "{") - (c == "}")
            deepest = max(deepest, depth)
        parameters = 0 if m[3].strip() in ("", "void") else m[3].count(",") + 1
        yield m[2], bare.count("\n", 0, m.start(2)) + 1, body.count("\n"), parameters, deepest


def width(line):
    """Columns of a line with tabs of 4."""
    return len(line.expandtabs(4))


def check_file(path, text):
    complaints, advice, lengths = [], [], []
    lines = text.split("\n")
    if path.suffix == ".c" and len(lines) > FILE_MAX:
        complaints.append(f"{path}: {len(lines)} lines, at most {FILE_MAX}")
    complaints += [f"{path}:{i}: {width(s)} columns" for i, s in enumerate(lines, 1)
                   if width(s) > COLUMNS and "http" not in s]
    for name, line, length, parameters, deepest in functions(text):
        lengths.append(length)
        if length > FUNCTION_MAX:
            complaints.append(f"{path}:{line}: {name} has {length} lines, at most {FUNCTION_MAX}")
        elif length > FUNCTION_AIM:
            advice.append(f"{path}:{line}: {name} has {length} lines")
        if parameters > PARAMETERS_AIM:
            advice.append(f"{path}:{line}: {name} has {parameters} parameters")
        if deepest > NESTING_AIM:
            advice.append(f"{path}:{line}: {name} nests {deepest} deep")
    return complaints, advice, lengths


def check(root):
    complaints, advice, lengths = [], [], []
    files = [p.relative_to(root) for p in check_common.tracked(root, {".c", ".h"})]
    for path in files:
        result = check_file(path, (root / path).read_text(encoding="utf-8", errors="replace"))
        complaints += result[0]
        advice += result[1]
        lengths += result[2] if not path.stem.endswith("_test") else []
    if (root / ".git").exists():
        print("\n".join(f"advice: {a}" for a in advice))
        if len(lengths) > 1:
            tenths = statistics.quantiles(lengths, n=10)
            print(f"{len(lengths)} functions: median {statistics.median(lengths)}, p90 {tenths[-1]:.0f}, max {max(lengths)} lines")
    return complaints, len(files)


LONG = "int f(void)\n{\n" + "\tg();\n" * 81 + "}\n"
FAULTS = [
    ("libs/base/x.c", LONG, "x.c:1: f has 81 lines"),
    ("libs/base/x.c", "int x;\n" * 650, "651 lines"),
    ("libs/base/x.c", "\t" * 25 + "x;\n", "102 columns"),
    ("libs/base/x.c", "int f(void)\n{\n" + "\tg();\n" * 80 + "}\n", ""),
]

if __name__ == "__main__":
    check_common.run(__doc__, check, FAULTS)
