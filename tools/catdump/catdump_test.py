#!/usr/bin/env python3
"""sotalia-catdump on golden bytes: files, pipes, a connection, torn streams.

    catdump_test.py CATDUMP
"""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

CATDUMP = sys.argv[1]
NT1 = bytes.fromhex(
    "000000804e54310d736f74616c69612d6167656e740268310831302e312e322e33036361740137046d61696e1f736f74616c69612d6167656e742d"
    "30613031303230332d3437323232322d3100000074fbd095ffbc31064465706c6f790377656245fbd095ffbc3104537465700470756c6c0130036109"
    "6254013005" "6f703d3432e0c65b")
PT1 = (b"\0\0\0\xdfPT1\tsotalia-agent\th1\t10.1.2.3\tcat\t7\tmain\tsotalia-agent-0a010203-472222-1\tnull\tnull\tnull\n"
       b"t2023-11-15 06:13:20.123\tDeploy\tweb\t\n"
       b"E2023-11-15 06:13:20.123\tStep\tpull\t0\ta\\tb\t\n"
       b"T2023-11-15 06:13:21.623\tDeploy\tweb\t0\t1500000us\top=42\t\n")


def run(data, *options):
    done = subprocess.run([CATDUMP, *options], input=data, capture_output=True, timeout=60, check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


class Catdump(unittest.TestCase):
    def check_tree(self, line, codec):
        self.assertEqual((line["codec"], line["domain"], line["hostName"], line["address"]),
                         (codec, "sotalia-agent", "h1", "10.1.2.3"))
        self.assertEqual((line["messageId"], line["parentId"]), ("sotalia-agent-0a010203-472222-1", ""))
        root = line["message"]
        self.assertEqual((root["kind"], root["type"], root["name"], root["durationUs"], root["atUnixMs"]),
                         ("transaction", "Deploy", "web", 1500000, 1700000000123))
        child = root["children"][0]
        self.assertEqual((child["kind"], child["data"], child["atUnixMs"]), ("event", "a\tb", 1700000000123))

    def test_both_codecs_of_the_reference_tree_print_the_same(self):
        code, lines, _ = run(NT1 + PT1)
        self.assertEqual((code, len(lines)), (0, 2))
        self.check_tree(lines[0], "NT1")
        self.check_tree(lines[1], "PT1")
        with tempfile.NamedTemporaryFile() as file:
            file.write(PT1)
            file.flush()
            code, lines, _ = run(b"", file.name)
        self.check_tree(lines[0], "PT1")

    def test_a_bad_frame_is_told_and_the_next_is_read(self):
        damaged = bytearray(NT1)
        damaged[79] = ord("X")
        code, lines, _ = run(bytes(damaged) + NT1)
        self.assertEqual(code, 1)
        self.assertTrue("letter" in lines[0]["error"] or "byte" in lines[0]["error"], lines[0])
        self.check_tree(lines[1], "NT1")

    def test_a_torn_stream_says_so(self):
        code, lines, _ = run(NT1 + PT1[:50])
        self.assertEqual((code, len(lines)), (1, 2))
        self.assertIn("ended inside a frame", lines[1]["error"])
        code, lines, _ = run(b"\xff\xff\xff\xffGET / HTTP/1.1")
        self.assertEqual(code, 1)
        self.assertIn("no CAT stream", lines[0]["error"])

    def test_rules_name_what_the_server_would_drop(self):
        code, lines, errors = run(NT1, "--rules")
        self.assertEqual((code, lines[0]["verdict"]), (1, "period_closed"))
        self.assertIn("period_closed 1", errors)

    def test_a_connection_in_small_pieces(self):
        child = subprocess.Popen([CATDUMP, "--listen=0"], stdout=subprocess.PIPE)
        try:
            port = json.loads(child.stdout.readline())["listening"]
            with socket.create_connection(("127.0.0.1", port), timeout=30) as peer:
                for at in range(0, len(NT1), 7):
                    peer.sendall(NT1[at:at + 7])
                self.check_tree(json.loads(child.stdout.readline()), "NT1")
                peer.sendall(PT1[:20])
            self.assertIn("inside a frame", json.loads(child.stdout.readline())["error"])
        finally:
            os.kill(child.pid, signal.SIGTERM)
            child.wait(30)
            child.stdout.close()

    def test_a_wrong_call_is_refused(self):
        self.assertEqual(subprocess.run([CATDUMP, "--nonsense"], capture_output=True, check=False).returncode, 64)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
