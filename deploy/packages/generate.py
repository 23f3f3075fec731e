#!/usr/bin/env python3
"""Makes what a package has of a service's config.def: the example configuration and the man page.

usage: generate.py OUT conf SERVICE CONFIG_DEF [KEY=VALUE]...    a file with every key; those given are set
       generate.py OUT man SERVICE CONFIG_DEF SUMMARY            sotalia-SERVICE.8
       generate.py OUT tool NAME SECTION SUMMARY PROGRAM     a page of what PROGRAM --help prints
       generate.py OUT output PROGRAM [ARGUMENT]...              what it prints
       generate.py OUT pages FOLDER SCDOC PROGRAM            the man pages whose sources PROGRAM FOLDER writes; OUT names them
       generate.py OUT compress FILE                         gzip, the same bytes whenever it is done
"""
import ast
import contextlib
import gzip
import pathlib
import re
import shutil
import subprocess
import sys

KEY = re.compile(r'^CONFIG\((\w+),\s*(\w+),\s*(NULL|"[^"]*"),\s*(-?\d+),\s*(-?\d+),\s*("(?:[^"\\]|\\.)*")\)$')


def keys(path):
    found = []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            line = line.strip()
            if not line.startswith("CONFIG("):
                continue
            match = KEY.match(line)
            if match is None:
                sys.exit(f"{path}:{number}: not a CONFIG(name, type, default, min, max, doc) on one line: {line}")
            name, kind, default, low, high, doc = match.groups()
            found.append((name, kind, None if default == "NULL" else ast.literal_eval(default), low, high, ast.literal_eval(doc)))
    if not found:
        sys.exit(f"{path}: no CONFIG lines")
    return found


def conf(service, path, given):
    print(f"# sotalia-{service}: `key = value`, # begins a comment. What is commented out has the value shown.")
    for name, _, default, _, _, doc in keys(path):
        value = given.pop(name, None)
        print(f"\n# {doc}")
        if value is None and default is None:
            sys.exit(f"{path}: {name} has no default: give a value for the package")
        print(f"{name} = {value}" if value is not None else f"#{name} = {default}".rstrip())
    if given:
        sys.exit(f"{path}: there is no key {', '.join(given)}")


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def head(name, section, summary):
    print(f'.TH {name.upper()} {section} "" Sotalia "Sotalia manual"')
    print(f".SH NAME\n{roff(name)} \\- {roff(summary)}")


def man(service, path, summary):
    name = f"sotalia-{service}"
    head(name, 8, summary)
    print(f".SH SYNOPSIS\n.B {roff(name)}\n[\\-\\-config=FILE] [\\-\\-KEY=VALUE]...")
    print(".SH DESCRIPTION\nRuns as a service; the unit of the package starts it. Options are the keys of its configuration:")
    print("a later source wins of default, file, environment (SOT_" + roff(service.upper().replace("-", "_")) + "_KEY) and command line.")
    print(".SH OPTIONS\n.TP\n.B \\-\\-check\\-config\nread and check everything, print it, end")
    for key, kind, default, low, high, doc in keys(path):
        bounds = {"INT": f"number from {low} to {high}", "BOOL": "yes or no"}.get(kind, f"text of {low} to {high} bytes")
        print(f".TP\n.B \\-\\-{roff(key)}\n{roff(doc)} ({roff(bounds)}; " +
              ("must be given)" if default is None else f"default {roff(default) or 'empty'})"))
    print(f".SH FILES\n.TP\n.I /etc/sotalia/{roff(service)}.conf\nthe configuration")
    print(".SH SEE ALSO\n.BR sotalia (1)")


def tool(name, section, summary, program):
    text = subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout
    head(name, section, summary)
    print(".SH DESCRIPTION\n.nf")
    for line in text.splitlines():
        print(roff(line))
    print(".fi")


def pages(folder, scdoc, program):
    target = pathlib.Path(folder)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    subprocess.run([program, folder], check=True)
    for source in sorted(target.glob("*.scd")):
        page = subprocess.run([scdoc], check=True, input=source.read_bytes(), stdout=subprocess.PIPE, env={"SOURCE_DATE_EPOCH": "0"}).stdout
        (target / f"{source.stem}.gz").write_bytes(gzip.compress(page, 9, mtime=0))
        source.unlink()
        print(source.stem)


def main():
    out, what, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
    if what == "compress":
        with open(rest[0], "rb") as plain, open(out, "wb") as target:
            target.write(gzip.compress(plain.read(), 9, mtime=0))
        return
    with open(out, "w", encoding="utf-8") as target, contextlib.redirect_stdout(target):
        if what == "conf":
            conf(rest[0], rest[1], dict(item.split("=", 1) for item in rest[2:]))
        elif what == "man":
            man(*rest)
        elif what == "tool":
            tool(*rest)
        elif what == "output":
            print(subprocess.run(rest, check=True, capture_output=True, text=True).stdout, end="")
        elif what == "pages":
            pages(*rest)
        else:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
