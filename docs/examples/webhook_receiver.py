#!/usr/bin/python3
"""Takes events that a webhook brings: checks the signature, handles each number once.

  WEBHOOK_SECRET=... webhook_receiver.py AFTER PORT      (0: any free port, which is printed first)

AFTER is the last number that you have handled. Answer 2xx only when the events are safe with you: what was not
answered so comes again. Prints a line an event: number, kind, subject.
"""
import hashlib
import hmac
import http.server
import json
import os
import sys
import time

SECRET = os.environ["WEBHOOK_SECRET"].encode()
OLDEST_S = 300  # a captured call is not taken later


def is_right(header, body):
    parts = dict(p.split("=", 1) for p in header.split(",") if "=" in p)
    expected = hmac.new(SECRET, parts.get("t", "").encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, parts.get("v1", "")) and abs(time.time() - int(parts["t"])) < OLDEST_S


class Receiver(http.server.BaseHTTPRequestHandler):
    last = int(sys.argv[1])
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not is_right(self.headers.get("Sotalia-Signature", ""), body):
            self.answer(401)
            return
        for event in json.loads(body):
            if event["sotalianumber"] > Receiver.last:
                Receiver.last = event["sotalianumber"]
                print(Receiver.last, event["type"].removeprefix("cn.sotalia.").removesuffix(".v1"), event["subject"], flush=True)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Receiver)
    print("port", server.server_address[1], flush=True)
    server.serve_forever()
