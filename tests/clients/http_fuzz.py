"""Broken HTTP against a server of this machine: python http_fuzz.py URL [--seconds 60] [--seed N] [--pid N]

Requests that are right, then changed at random: bytes flipped, doubled, dropped, heads cut, lengths that lie, chunks that
are none, JSON in pieces, clients that stop in the middle. The server may answer anything of HTTP; it must not end, and a
right request beside the broken ones must be answered within ten seconds, and right. Standard library only; connections to
this machine only. The last line is one JSON object; the exit code is 1 where something was wrong.
"""

import argparse
import json
import os
import random
import socket
import sys
import threading
import time
from urllib.parse import urlsplit

BODIES = [
    '{"prompt": "Once upon a time", "max_tokens": 2}',
    '{"prompt": [5, 6, 7], "max_tokens": 1, "echo": true, "logprobs": 1, "stream": true}',
    '{"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2, "stream": true}',
    '{"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}], "max_tokens": 3, "response_format": '
    '{"type": "json_schema", "json_schema": {"name": "n", "schema": {"enum": [1, 2]}}}}',
    '{"messages": [{"role": "user", "content": "x"}], "max_tokens": 8, "tool_choice": "required", "tools": [{"type": '
    '"function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}}]}',
    '{"prompt": "a b c"}', '{"tokens": [1, 2, 3]}',
]
PATHS = ["/v1/completions", "/v1/chat/completions", "/tokenize", "/detokenize", "/v1/models", "/v1/models/story", "/health",
         "/metrics", "/", "/page.js", "/nothing"]
METHODS = ["POST", "POST", "POST", "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "BREW", ""]
LINES = [b"expect: 100-continue", b"transfer-encoding: chunked", b"transfer-encoding: gzip, chunked", b"content-length: -1",
         b"content-length: 99999999999999999999", b"content-length: 5, 5", b"upgrade: websocket", b"connection: upgrade",
         b"host: evil.example", b"origin: http://evil.example", b"authorization: Bearer \xff\xfe", b"x" * 9000,
         b"cookie: " + b"a" * 20000, b" folded: line", b"no colon at all", b": empty name", b"content-encoding: gzip",
         b"content-type: text/plain", b"range: bytes=0-"]


def request(r):
    body = r.choice(BODIES).encode()
    if r.random() < 0.3:
        body = changed(r, body)
    head = [f"{r.choice(METHODS)} {r.choice(PATHS)} HTTP/{r.choice(['1.1'] * 12 + ['1.0', '2.0', '0.9', ''])}".encode(),
            b"host: localhost", b"content-type: application/json"]
    length = len(body) if r.random() < 0.7 else r.choice([0, 1, len(body) - 1, len(body) + 1, 1 << 20, 1 << 40])
    if r.random() < 0.2:
        head.append(b"transfer-encoding: chunked")
        size = b"%x" % (len(body) if r.random() < 0.6 else r.choice([0, 3, 1 << 30, (1 << 64) - 1]))
        body = r.choice([size, b"-" + size, size + b";x=y", b"zz", b""]) + b"\r\n" + body + b"\r\n0\r\n\r\n"
    else:
        head.append(b"content-length: %d" % length)
    for _ in range(r.choice([0, 0, 0, 0, 1, 2, 100])):
        head.insert(r.randint(1, len(head)), r.choice(LINES))
    end = r.choice([b"\r\n"] * 12 + [b"\n", b"\r"])
    return end.join(head) + end + end + body


def changed(r, data):
    data = bytearray(data)
    for _ in range(r.choice([1, 1, 2, 5, 30])):
        if not data:
            break
        at = r.randrange(len(data))
        kind = r.randrange(5)
        if kind == 0:
            data[at] = r.randrange(256)
        elif kind == 1:
            del data[at:at + r.randint(1, 20)]
        elif kind == 2:
            data[at:at] = bytes(r.randrange(256) for _ in range(r.randint(1, 8)))
        elif kind == 3:
            data[at:at] = data[at:at + r.randint(1, 40)]
        else:
            data[at:at] = r.choice([b"\r\n", b"\0", b"[" * 300, b'{"a":' * 200, b"\\u0000", b"1e999", b"\xed\xa0\x80"])
    return bytes(data)


class Fuzz:
    def __init__(self, a):
        parts = urlsplit(a.url)
        if parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            sys.exit("http_fuzz.py: only a server on this machine is tried")
        self.address, self.a = (parts.hostname, parts.port), a
        self.sent = self.answered = self.checks = 0
        self.slowest = 0.0
        self.wrong, self.statuses = [], {}

    def broken(self, r):
        data = b"".join(request(r) for _ in range(r.choice([1, 1, 1, 2, 3])))
        if r.random() < 0.3:
            data = changed(r, data)
        if r.random() < 0.2:
            data = data[:r.randrange(len(data) + 1)]
        with socket.create_connection(self.address, timeout=5) as s:
            s.settimeout(r.choice([0.02, 0.1, 0.5]))
            try:
                while data:
                    n = len(data) if r.random() < 0.7 else r.randint(1, len(data))
                    s.sendall(data[:n])
                    data = data[n:]
                self.sent += 1
                if r.random() < 0.3:
                    s.shutdown(socket.SHUT_WR)
                if r.random() < 0.8:
                    answer = s.recv(65536)
                    if answer.startswith(b"HTTP/1."):
                        self.answered += 1
                        status = answer[9:12].decode("latin-1")
                        self.statuses[status] = self.statuses.get(status, 0) + 1
                    elif answer:
                        self.wrong.append(repr(answer[:80]))
            except (TimeoutError, ConnectionError, BrokenPipeError):
                pass

    def right(self):
        """A request that is right is answered, whatever goes on beside it."""
        body = b'{"prompt": "The fox", "max_tokens": 3, "ignore_eos": true}'
        start = time.monotonic()
        with socket.create_connection(self.address, timeout=60) as s:
            s.sendall(b"POST /v1/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
                      % len(body) + body)
            answer = b""
            while piece := s.recv(65536):
                answer += piece
        seconds = time.monotonic() - start
        self.slowest = max(self.slowest, seconds)
        self.checks += 1
        busy = answer.startswith(b"HTTP/1.1 429")
        if not busy and (not answer.startswith(b"HTTP/1.1 200") or b'"completion_tokens":3' not in answer or seconds > 10):
            self.wrong.append((round(seconds, 2), repr(answer[-200:])))

    def work(self, number, end):
        r = random.Random(self.a.seed * 1000 + number)
        while time.monotonic() < end and len(self.wrong) < 5:
            try:
                self.right() if number == 0 else self.broken(r)
            except OSError as error:
                self.wrong.append(repr(error))
            if number == 0:
                time.sleep(0.5)

    def run(self):
        end = time.monotonic() + self.a.seconds
        threads = [threading.Thread(target=self.work, args=(n, end)) for n in range(1 + self.a.clients)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if self.a.pid and not os.path.exists(f"/proc/{self.a.pid}"):
            self.wrong.append("the server has ended")
        for wrong in self.wrong[:5]:
            print("wrong:", wrong, file=sys.stderr)
        print(json.dumps({"seconds": self.a.seconds, "broken": self.sent, "answered": self.answered,
                          "statuses": dict(sorted(self.statuses.items())), "right": self.checks,
                          "slowest_right_s": round(self.slowest, 2), "wrong": len(self.wrong)}))
        return bool(self.wrong) or not self.checks


def main():
    p = argparse.ArgumentParser()
    p.add_argument("url")
    p.add_argument("--seconds", type=float, default=60)
    p.add_argument("--clients", type=int, default=8)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--pid", type=int)
    sys.exit(Fuzz(p.parse_args()).run())


main()
