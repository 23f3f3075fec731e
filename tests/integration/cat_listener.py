#!/usr/bin/env python3
"""A CAT server's receiving side: takes frames over TCP, decodes NT1 and PT1, prints JSON lines.

    cat_listener.py [--port N] [--out FILE]

The first line is {"listening": PORT}; then one line per frame:
    {"codec": "NT1", "domain": ..., "hostName": ..., "address": ..., "messageId": ..., "message":
        {"kind": "transaction", "type": ..., "name": ..., "status": ..., "data": ..., "atUnixMs": ...,
         "durationUs": ..., "children": [...], "details": {id: number}}}
`details` holds the figures of a heartbeat. A frame that cannot be decoded is a line with "error".
Written from the description of the wire, not from the bridge's code. Standard library only.
"""
import argparse
import datetime
import json
import selectors
import socket
import struct
import sys
import xml.etree.ElementTree

HEADER = ("domain", "hostName", "address", "threadGroup", "threadId", "threadName", "messageId", "parentId", "rootId",
          "session")
KINDS = {"t": "transaction", "A": "transaction", "E": "event", "M": "metric", "H": "heartbeat", "L": "trace"}
GMT8 = datetime.timezone(datetime.timedelta(hours=8))


class Bad(Exception):
    """A frame that breaks the format; the text says how."""


class Nt1:
    """Reads the bytes behind the codec's name."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def byte(self):
        if self.at >= len(self.data):
            raise Bad("frame ends in the middle")
        self.at += 1
        return self.data[self.at - 1]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise Bad("varint is too long")

    def text(self):
        size = self.varint()
        if self.at + size > len(self.data):
            raise Bad(f"text of {size} bytes passes the frame")
        self.at += size
        return self.data[self.at - size:self.at].decode("utf-8")

    def message(self, letter):
        if letter not in "tEMHL":
            raise Bad(f"unknown letter {letter!r}")
        found = {"kind": KINDS[letter], "atUnixMs": self.varint(), "type": self.text(), "name": self.text()}
        if letter == "t":
            found["children"] = []
            while (inner := chr(self.byte())) != "T":
                found["children"].append(self.message(inner))
        found["status"], found["data"] = self.text(), self.text()
        if letter == "t":
            found["durationUs"] = self.varint()
        return found

    def tree(self):
        header = {name: self.text() for name in HEADER}
        message = self.message(chr(self.byte()))
        if self.at != len(self.data):
            raise Bad(f"{len(self.data) - self.at} bytes behind the root")
        return header, message


def unescape(text):
    out, escaped = [], False
    for char in text:
        if escaped:
            out.append({"t": "\t", "r": "\r", "n": "\n"}.get(char, char))
            escaped = False
        elif char == "\\":
            escaped = True
        else:
            out.append(char)
    return "".join(out)


def pt1_time(text):
    at = datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=GMT8)
    return round(at.timestamp() * 1000)


def pt1_lines(lines):
    """One message, and the children of a `t` up to its `T`."""
    fields = next(lines)
    letter, at = fields[0][0], pt1_time(fields[0][1:])
    found = {"kind": KINDS.get(letter), "atUnixMs": at, "type": unescape(fields[1]), "name": unescape(fields[2])}
    if letter == "t":
        found["children"] = []
        while (child := pt1_lines(lines)) is not None:
            if child["kind"] is None:
                found.update(status=child["status"], data=child["data"], durationUs=child["durationUs"])
                return found
            found["children"].append(child)
    found["status"] = unescape(fields[3])
    if letter in "AT":
        found["durationUs"] = int(fields[4].removesuffix("us"))
    found["data"] = unescape(fields[-1])
    return found


def pt1(data):
    text = data.decode("utf-8")
    head, _, body = text.partition("\n")
    fields = head.split("\t")[1:]
    if len(fields) != len(HEADER) or not body.endswith("\t\n"):
        raise Bad("header or last line is not complete")
    header = {name: "" if value == "null" else value for name, value in zip(HEADER, fields)}
    lines = (line.removesuffix("\t").split("\t") for line in body.removesuffix("\n").split("\n"))
    message = pt1_lines(lines)
    if next(lines, None) is not None:
        raise Bad("more than one root")
    return header, message


def details(message):
    """The figures of every heartbeat in the tree; the document must parse strictly."""
    if message["kind"] == "heartbeat":
        root = xml.etree.ElementTree.fromstring(message["data"])
        message["details"] = {d.get("id"): float(d.get("value")) for d in root.iter("extensionDetail")}
        message["groups"] = [e.get("id") for e in root.iter("extension")]
        del message["data"]
    for child in message.get("children", []):
        details(child)


def decode(body):
    """One frame without its length prefix."""
    codec = body[:3].decode("ascii", "replace")
    if codec == "NT1":
        header, message = Nt1(body[3:]).tree()
    elif codec == "PT1":
        header, message = pt1(body)
    else:
        raise Bad(f"unknown codec {codec!r}")
    details(message)
    return {"codec": codec, **header, "message": message}


class Listener:
    """The socket and its connections; `frames` yields what arrives."""

    def __init__(self, port=0):
        self.server = socket.create_server(("127.0.0.1", port))
        self.port = self.server.getsockname()[1]
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.server, selectors.EVENT_READ)
        self.buffers = {}

    def frames(self, timeout=None):
        """Decoded frames of one wait; an empty list after `timeout` seconds without any."""
        found = []
        for key, _ in self.selector.select(timeout):
            if key.fileobj is self.server:
                peer, _ = self.server.accept()
                self.selector.register(peer, selectors.EVENT_READ)
                self.buffers[peer] = b""
            else:
                found += self.read(key.fileobj)
        return found

    def drop(self, peer):
        self.selector.unregister(peer)
        del self.buffers[peer]
        peer.close()

    def read(self, peer):
        try:
            piece = peer.recv(65536)
        except ConnectionError:
            piece = b""
        if not piece:
            rest = len(self.buffers[peer])
            self.drop(peer)
            return [{"error": f"connection ended inside a frame, {rest} bytes"}] if rest else []
        data, found = self.buffers[peer] + piece, []
        while len(data) >= 4:
            size = struct.unpack(">i", data[:4])[0]
            if size <= 0 or size > 65535:
                found.append({"error": f"frame length {size}"})
                self.drop(peer)
                return found
            if len(data) < 4 + size:
                break
            found.append(self.decoded(data[4:4 + size]))
            data = data[4 + size:]
        self.buffers[peer] = data
        return found

    @staticmethod
    def decoded(body):
        try:
            return decode(body)
        except (Bad, ValueError, IndexError, KeyError, StopIteration, RuntimeError, xml.etree.ElementTree.ParseError) as why:
            return {"error": f"{type(why).__name__}: {why}", "hex": body[:200].hex()}

    def close(self):
        for peer in list(self.buffers):
            self.drop(peer)
        self.selector.close()
        self.server.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--out", help="append the lines there instead of standard output")
    options = parser.parse_args()
    listener = Listener(options.port)
    with open(options.out, "a", encoding="utf-8") if options.out else sys.stdout as out:
        print(json.dumps({"listening": listener.port}), file=out, flush=True)
        while True:
            for frame in listener.frames():
                print(json.dumps(frame, ensure_ascii=False), file=out, flush=True)


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(0)
