#!/usr/bin/env python3
"""Builds a service's sql/*.sql into a table of named statements (libs/store/store.h).

Each file holds one statement and begins with two comment lines:
    -- name: host_upsert
    -- columns: id uuid, name text        (or: none)
The number of parameters is the highest $n outside of quotes and comments.

    sqlgen.py --prefix ipam --out build/ipam_sql a.sql b.sql    writes ipam_sql.h and ipam_sql.c
"""
import argparse
import pathlib
import re
import sys

NAME = re.compile(r"-- name: ([a-z][a-z0-9_]*)$")
COLUMNS = re.compile(r"-- columns: (.+)$")
COLUMN = re.compile(r"[a-z_][a-z0-9_]* [a-z][a-z0-9_ ]*(\[\])?$")
# What may hide a '$1' that is no parameter: strings, quoted names, comments, dollar quotes.
HIDDEN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|\$([A-Za-z_]*)\$.*?\$\1\$", re.S)


class Refused(Exception):
    """A file that breaks the rules; the text names the file."""


def parse(path):
    """One file to (name, columns, sql, parameter count)."""
    lines = path.read_text(encoding="utf-8").splitlines()
    name = NAME.match(lines[0]) if lines else None
    columns = COLUMNS.match(lines[1]) if len(lines) > 1 else None
    if not name:
        raise Refused(f"{path}:1: must be `-- name: words_with_underscores`")
    if not columns:
        raise Refused(f"{path}:2: must be `-- columns: id uuid, name text` or `-- columns: none`")
    if name[1] != path.stem:
        raise Refused(f"{path}:1: the name {name[1]} is not the file's name {path.stem}")
    pairs = [] if columns[1].strip() == "none" else [c.strip() for c in columns[1].split(",")]
    for pair in pairs:
        if not COLUMN.match(pair):
            raise Refused(f"{path}:2: column \"{pair}\" is not `name type`")
    sql = "\n".join(lines[2:]).strip().rstrip(";").rstrip()
    if not sql:
        raise Refused(f"{path}: no statement after the two comment lines")
    bare = HIDDEN.sub(" ", sql)
    if ";" in bare:
        raise Refused(f"{path}: more than one statement (a ';' in the middle)")
    if re.search(r"\bunnest\(\s*\$\d+(::\w+\[\])?\s*,", bare):
        raise Refused(f"{path}: unnest of several lists in FROM; SELECT unnest($1) AS a, unnest($2) AS b (docs/adr/0061)")
    numbers = {int(n) for n in re.findall(r"\$(\d+)", bare)}
    missing = set(range(1, max(numbers, default=0) + 1)) - numbers
    if missing:
        raise Refused(f"{path}: parameter ${min(missing)} is not used, but a higher one is")
    return name[1], pairs, sql, max(numbers, default=0)


def quoted(text):
    """A C string literal, one source line per line of text."""
    def line(part):
        out = part.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("?", "\\?")
        return out.encode("ascii", "backslashreplace").decode() if out.isascii() else octal(out)
    parts = text.split("\n")
    return "\n\t\t".join(f'"{line(p)}{chr(92) + "n" if i + 1 < len(parts) else ""}"' for i, p in enumerate(parts))


def octal(text):
    """Bytes outside of ASCII as octal escapes: unlike \\x they end after three digits."""
    return "".join(chr(b) if b < 0x80 else f"\\{b:03o}" for b in text.encode("utf-8"))


def header(prefix, statements):
    upper = prefix.upper()
    enum = "".join(f"\t{upper}_SQL_{name.upper()},\n" for name, *_ in statements)
    return f"""/* Made by tools/sqlgen.py from the files of sql/: do not edit. */
#ifndef {upper}_SQL_H
#define {upper}_SQL_H

#include "store.h"

enum {{
{enum}\t{upper}_STATEMENT_COUNT
}};
extern const store_statement {prefix}_statements[];

#endif
"""


def source(prefix, base, statements):
    parts = [f"/* Made by tools/sqlgen.py from the files of sql/: do not edit. */\n#include \"{base}.h\"\n"]
    for name, columns, _, _ in statements:
        if columns:
            rows = ", ".join(f'"{c}"' for c in columns)
            parts.append(f"static const char *const {name}_columns[] = {{{rows}}};")
    parts.append(f"\nconst store_statement {prefix}_statements[] = {{")
    for name, columns, sql, count in statements:
        parts.append(f"\t[{prefix.upper()}_SQL_{name.upper()}] = {{\n\t\t.name = \"{name}\",\n\t\t.sql = {quoted(sql)},\n"
                     f"\t\t.param_count = {count},\n\t\t.column_count = {len(columns)},\n"
                     f"\t\t.columns = {name + '_columns' if columns else 'NULL'},\n\t}},")
    parts.append("};\n")
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--out", required=True, type=pathlib.Path, help="path without .h and .c")
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    prefix = options.prefix.replace("-", "_")
    try:
        statements = [parse(path) for path in sorted(options.files)]
    except (Refused, OSError, UnicodeDecodeError) as why:
        print(f"sqlgen: {why}", file=sys.stderr)
        return 1
    base = options.out.name
    options.out.with_name(base + ".h").write_text(header(prefix, statements), encoding="utf-8")
    options.out.with_name(base + ".c").write_text(source(prefix, base, statements), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
