"""A bucket in memory for gw_s3_test: checks AWS Signature Version 4 by itself, from the published algorithm, and the payload's digest.

usage: s3_server.py ACCESS-KEY SECRET-KEY REGION [AGE [ADDRESS]]; prints its port. Objects are AGE seconds older than they are. Objects whose name begins with "ba" are handed out damaged.
"""

import email.utils
import hashlib
import hmac
import http.server
import re
import sys
import time

ACCESS, SECRET, REGION = sys.argv[1:4]
AGE = int(sys.argv[4]) if len(sys.argv) > 4 else 0
ADDRESS = sys.argv[5] if len(sys.argv) > 5 else "127.0.0.1"
objects = {}


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Bucket(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def is_signed(self, body):
        found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})",
                             self.headers.get("Authorization", ""))
        if not found:
            return False
        access, day, region, names, signature = found.groups()
        payload, date = self.headers.get("x-amz-content-sha256", ""), self.headers.get("x-amz-date", "")
        if (access, region) != (ACCESS, REGION) or payload != hashlib.sha256(body).hexdigest() or not date.startswith(day):
            return False
        if "x-amz-content-sha256" not in names.split(";") or "host" not in names.split(";"):
            return False
        headers = "".join(f"{n}:{self.headers[n].strip()}\n" for n in names.split(";"))
        request = "\n".join([self.command, self.path, "", headers, names, payload])
        scope = f"{day}/{region}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(request.encode()).hexdigest()])
        key = sign(sign(sign(sign(("AWS4" + SECRET).encode(), day), region), "s3"), "aws4_request")
        return hmac.compare_digest(sign(key, text).hex(), signature)

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/?names":  # for tests, to look into it
            self.answer(200, "\n".join(path.rsplit("/", 1)[1] for path in objects).encode())
        elif not self.is_signed(body):
            self.answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        elif self.command == "PUT":
            objects[self.path] = (time.time() - AGE, body)
            self.answer(200)
        elif self.path not in objects:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        elif self.command == "DELETE":
            del objects[self.path]
            self.answer(204)
        else:
            at, body = objects[self.path]
            if self.path.rsplit("/", 1)[1].startswith("ba"):
                body = body[:-1] + b"!"
            self.answer(200, body, [("Last-Modified", email.utils.formatdate(at, usegmt=True))])

    do_GET = do_PUT = do_HEAD = do_DELETE = handle_one


server = http.server.ThreadingHTTPServer((ADDRESS, 0), Bucket)
print(server.server_address[1], flush=True)
server.serve_forever()
