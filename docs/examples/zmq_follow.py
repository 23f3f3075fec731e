#!/usr/bin/python3
"""Follows the platform's events over ZeroMQ: every number once and in order, whatever dies meanwhile.

  zmq_follow.py AFTER KEY_FILE GATEWAY...     a GATEWAY is EVENTS_ENDPOINT,REPLAY_ENDPOINT,PUBLIC_KEY

AFTER is the last number that you have handled (keep it where you keep what you made of the events); KEY_FILE is this
program's secret key (sotalia-keygen NAME.key writes NAME.key_secret), whose public key an operator has put into the gateways' keys folder. Packages:
python3-zmq, python3-msgpack. Prints a line an event: number, kind, subject.
"""
import random
import sys

import msgpack
import zmq
from zmq.auth import load_certificate

VERSION, EVENT, EVENTS_READ, EVENTS_PAGE = 1, 500, 501, 502
ZERO = bytes(16)


def connect(context, kind, endpoint, server_key, keys):
    socket = context.socket(kind)
    socket.curve_publickey, socket.curve_secretkey = keys
    socket.curve_serverkey = server_key.encode()
    socket.linger = 0
    socket.heartbeat_ivl, socket.heartbeat_timeout = 1000, 3000
    if kind == zmq.SUB:
        socket.subscribe(b"")
    socket.connect(endpoint)
    return socket


class Follower:
    def __init__(self, after, key_file, gateways):
        self.last, self.stream = after, ZERO
        keys = load_certificate(key_file)
        context = zmq.Context()
        self.poller = zmq.Poller()
        self.replays, self.asked = [], 0
        for gateway in gateways:
            events, replay, server_key = gateway.split(",")
            self.poller.register(connect(context, zmq.SUB, events, server_key, keys), zmq.POLLIN)
            self.replays.append(connect(context, zmq.DEALER, replay, server_key, keys))
            self.poller.register(self.replays[-1], zmq.POLLIN)

    def ask(self):
        """Any gateway has the same events under the same numbers."""
        self.asked = random.getrandbits(63) | 1
        frame = msgpack.packb([VERSION, EVENTS_READ, self.asked, self.stream, self.last, 500])
        try:
            random.choice(self.replays).send(frame, zmq.NOBLOCK)
        except zmq.Again:
            pass  # not connected: the next round asks again

    def take(self, frame):
        _, kind, stream, number, _at, name, subject, *_rest = msgpack.unpackb(frame)
        if kind != EVENT or number <= self.last:
            return  # the other gateway told it already
        if number > self.last + 1 or self.stream not in (ZERO, stream):
            self.ask()  # something is missing: it comes by replay
            return
        self.last, self.stream = number, stream
        print(number, name, subject, flush=True)

    def on_page(self, frame):
        fields = msgpack.unpackb(frame)
        if fields[1] != EVENTS_PAGE or fields[2] != self.asked:
            return  # refused, or the answer to an older question
        _, _, _, stream, last, too_old, events = fields
        if too_old:
            print("reset", last, flush=True)  # read the lists (GET /v1/apps, ...) here, then go on
            self.stream, self.last = stream, last
        for event in events:
            self.take(event)
        if events and self.last < last:
            self.ask()

    def run(self):
        self.ask()
        while True:
            ready = self.poller.poll(1000)
            for socket, _ in ready:
                parts = socket.recv_multipart()
                if socket.type == zmq.SUB:
                    self.take(parts[2])  # topic, publisher and its count, frame
                else:
                    self.on_page(parts[-1])
            if not ready:
                self.ask()  # PUB may have lost the newest: nobody would notice


if __name__ == "__main__":
    Follower(int(sys.argv[1]), sys.argv[2], sys.argv[3:]).run()
