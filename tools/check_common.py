"""What the checkers share: the project's C files, C without comments and strings, the self-test."""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
HIDDEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def tracked(root, suffixes):
    """Files below root, as git knows them (new ones too), or all of them in a planted tree."""
    if (root / ".git").exists():
        listing = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=root, check=True,
                                 capture_output=True, text=True).stdout.split("\n")
        paths = [root / line for line in listing if line]
    else:
        paths = [p for p in root.rglob("*") if p.is_file()]
    return sorted(p for p in paths if p.suffix in suffixes and p.exists())


def bare(text):
    """C with comments, strings and characters blanked; lines keep their numbers."""
    return HIDDEN.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def run(doc, check, faults, fatal=True):
    """main() of a checker. `check(root)` gives complaints; `faults` are (path, content, word that the
    complaint must hold), each planted alone into an empty tree."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        sys.exit(self_test(check, faults))
    complaints, count = check(ROOT)
    for line in complaints:
        print(line)
    if count == 0:
        sys.exit("no file was checked: that is a fault of the checker")
    print(f"{count} files checked, {len(complaints)} complaints")
    sys.exit(1 if complaints and fatal else 0)


def self_test(check, faults):
    missed = 0
    for path, content, word in faults:
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / path
            file.parent.mkdir(parents=True)
            file.write_text(content, encoding="utf-8")
            complaints, _ = check(pathlib.Path(folder))
        good = len(complaints) == 1 and word in complaints[0] if word else not complaints
        missed += not good
        if not good:
            print(f"self-test: {path} with {content!r} gave {complaints}, expected {word or 'nothing'!r}")
    print(f"self-test: {len(faults)} planted files, {missed} not treated as they should be")
    return 1 if missed else 0
