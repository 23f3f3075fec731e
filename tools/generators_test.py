#!/usr/bin/env python3
"""Tests of sqlgen.py and protogen.py: good input gives the right table, bad input is refused by name."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parent
HEAD = "-- name: one\n-- columns: id uuid, name text\n"
MESSAGE = '[protocol]\nname = "common"\ndoc = "d"\n[message.m]\nid = 1\nfrom = "client"\ndoc = "d"\n[message.m.field]\n'


def run(*arguments):
    return subprocess.run([sys.executable, "-B", *map(str, arguments)], capture_output=True, text=True, check=False)


class Sqlgen(unittest.TestCase):
    def generate(self, content, name="one.sql"):
        with tempfile.TemporaryDirectory() as folder:
            path, out = pathlib.Path(folder, name), pathlib.Path(folder, "ipam_sql")
            path.write_text(content, encoding="utf-8")
            done = run(TOOLS / "sqlgen.py", "--prefix", "ipam", "--out", out, path)
            source = out.with_suffix(".c").read_text(encoding="utf-8") if done.returncode == 0 else ""
            return done, source

    def refused(self, content, words, name="one.sql"):
        done, _ = self.generate(content, name)
        self.assertEqual(done.returncode, 1)
        self.assertIn(words, done.stderr)

    def test_parameters_in_strings_and_comments_do_not_count(self):
        _, source = self.generate(HEAD + "SELECT id, name -- not $3\nFROM t WHERE a = $1 AND b = $2 AND c = 'it''s $9';")
        self.assertIn(".param_count = 2,", source)
        self.assertIn(".column_count = 2,", source)
        self.assertIn('{"id uuid", "name text"}', source)

    def test_text_becomes_a_c_literal(self):
        _, source = self.generate(HEAD + "SELECT 'a\"b\\c', 'é'")
        self.assertIn('"SELECT \'a\\"b\\\\c\', \'\\303\\251\'"', source)

    def test_mistakes_are_refused(self):
        self.refused("SELECT 1", "one.sql:1")
        self.refused("-- name: one\nSELECT 1", "one.sql:2")
        self.refused(HEAD + "SELECT 1", "not the file's name", "two.sql")
        self.refused("-- name: one\n-- columns: id\nSELECT 1", "is not `name type`")
        self.refused(HEAD + "SELECT $1, $3", "parameter $2 is not used")
        self.refused(HEAD + "SELECT 1; SELECT 2", "more than one statement")
        self.refused(HEAD + "SELECT * FROM unnest($1::int[], $2::int[])", "several lists in FROM")
        self.refused(HEAD, "no statement")


class Protogen(unittest.TestCase):
    def refused(self, schema, words):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "common.toml").write_text(schema, encoding="utf-8")
            done = run(TOOLS / "protogen.py", "--proto", folder, "--code", folder)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(words, done.stderr)

    def test_mistakes_are_refused(self):
        self.refused(MESSAGE + 'x = { type = "u9", doc = "d" }', "m.x: unknown type")
        self.refused(MESSAGE + 'x = { type = "str", doc = "d" }', "m.x: str and bytes need max")
        self.refused(MESSAGE + 'x = { type = "u8", max = 256, doc = "d" }', "m.x: bounds do not fit")
        self.refused(MESSAGE + 'x = { type = "u8" }', "m.x: doc is missing")
        self.refused(MESSAGE + 'x = { type = "u8", doc = "d", mix = 1 }', "unknown key ['mix']")
        self.refused(MESSAGE + 'x = { type = "enum:none", doc = "d" }', "no enum none")
        self.refused(MESSAGE + 'x = { type = "u8", list = true, doc = "d" }', "a list needs max")
        self.refused(MESSAGE + 'x = { type = "u8", min = 1, later = true, doc = "d" }', "must be allowed to be")
        self.refused(MESSAGE + 'x = { type = "u8", later = true, doc = "d" }\ny = { type = "u8", doc = "d" }', "later fields are the last ones")
        self.refused(MESSAGE + 'int = { type = "u8", doc = "d" }', "no word of C")

    def test_ids_are_unique_and_replies_exist(self):
        good = 'x = { type = "u8", doc = "d" }\n'
        other = '[message.n]\nid = 1\nfrom = "server"\ndoc = "d"\n[message.n.field]\n'
        self.refused(MESSAGE + good + other + good, "id 1 is taken by m")
        self.refused(MESSAGE.replace('from = "client"', 'from = "client"\nreply = ["o"]') + good, "reply names no message")


if __name__ == "__main__":
    unittest.main()
