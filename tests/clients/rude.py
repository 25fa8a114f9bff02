"""Rude clients beside two polite ones: python rude.py PROGRAM [--seconds 600] [--rude 64] [--seed N] [--without-memory]

Starts `PROGRAM serve` with the bundled model, asks it some questions alone, and then again and again while rude clients
do what they like: bodies that are announced and do not come, dribble in or are of 30 MB; heads that never end; framing
that two readers would understand differently; JSON of nothing but brackets; answers that nobody reads; connections cut
anywhere. Every polite answer must be equal to the one given alone, with its log-probabilities, and the server must go on.
From three minutes on its memory is judged as well. What requests hold comes and goes with the load of the machine, what is
lost raises both the lowest decile and the median: not both may be more than a tenth higher in the last third of the time
than in the second minute.

Standard library only; connections to this machine only. The last line is one JSON object; the exit code is 1 where
something was wrong.
"""

import argparse
import asyncio
import json
import os
import random
import re
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

MIB = 1 << 20
QUESTIONS = [
    ("/v1/completions", {"prompt": "Once upon a time there was a fox", "max_tokens": 24, "logprobs": 2, "temperature": 0}),
    ("/v1/completions", {"prompt": "The old house by the river", "max_tokens": 16, "seed": 5, "temperature": 1}),
    ("/v1/completions", {"prompt": [5, 6, 7, 8], "max_tokens": 12, "echo": True, "logprobs": 1, "temperature": 0}),
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Tell me of a hill."}], "max_tokens": 20,
                              "temperature": 0, "logprobs": True, "top_logprobs": 2}),
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": "One or two?"}], "max_tokens": 40, "temperature": 0,
                              "response_format": {"type": "json_schema",
                                                  "json_schema": {"name": "n", "schema": {"enum": ["one", "two"]}}}}),
    ("/tokenize", {"prompt": "the fox went over a hill"}),
]
HOST = b"host: localhost\r\n"
POST = b"POST /v1/completions HTTP/1.1\r\n" + HOST
# Each of these ends its connection: what follows must not be taken for a request.
FRAMING = [
    POST + b"transfer-encoding: xchunked\r\n\r\n", POST + b"transfer-encoding: identity\r\ncontent-length: 5\r\n\r\n",
    POST + b"transfer-encoding: gzip, chunked\r\n\r\n", POST + b"transfer-encoding:\r\n\r\n",
    POST + b"transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n", POST + b"transfer-encoding : chunked\r\n\r\n",
    POST + b"content-length: 3\r\ncontent-length: 3\r\n\r\n", POST + b"content-length: 3, 3\r\n\r\n",
    POST + b"content-length: -1\r\n\r\n", POST + b"content-length: 99999999999999999999999\r\n\r\n",
    POST + b"content-length: 2\r\ncontent-encoding: gzip\r\n\r\n", POST + b" folded: x\r\n\r\n", POST + b"a: b\n\r\n",
    POST + b"a: \0\r\n\r\n", POST + HOST + b"\r\n", b"POST /tokenize HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01",
    POST + b"transfer-encoding: chunked\r\n\r\n5\n", POST + b"transfer-encoding: chunked\r\n\r\n-1\r\n",
    POST + b"transfer-encoding: chunked\r\n\r\n2\r\nabc\r\n", POST + b"transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    POST + b"transfer-encoding: chunked\r\n\r\n" + b"1;" + b"e" * 3000 + b"\r\n", POST + b"x: " + b"y" * 20000 + b"\r\n\r\n",
    b"GET http://evil.example/health HTTP/1.1\r\n" + HOST + b"\r\n", b"GET /health HTTP/3.0\r\n" + HOST + b"\r\n",
]
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n"


def post(path, data, more=b""):
    return b"POST %s HTTP/1.1\r\nhost: localhost\r\n%scontent-length: %d\r\n\r\n" % (path.encode(), more, len(data)) + data


def ask(path, body):
    return post(path, json.dumps(body).encode(), b"connection: close\r\n")


class Soak:
    def __init__(self, a, port, pid):
        self.a, self.port, self.pid = a, port, pid
        self.random = random.Random(a.seed)
        self.wrong, self.seconds, self.memory = [], [], []
        self.polite = self.refused = 0
        self.done = {}

    async def open(self, small=False):
        s = socket.socket()
        s.setblocking(False)
        if small:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await asyncio.get_running_loop().sock_connect(s, ("127.0.0.1", self.port))
        return await asyncio.open_connection(sock=s)

    # Polite clients

    async def answer(self, path, body):
        reader, writer = await self.open()
        try:
            writer.write(ask(path, body))
            data = await asyncio.wait_for(reader.read(), 60)
        finally:
            writer.close()
        head, _, text = data.partition(b"\r\n\r\n")
        status = int(head[9:12] or 0)
        if status != 200:
            return status, text.decode(errors="replace")
        answer = json.loads(text)
        return status, answer.get("choices", answer)

    async def ask_politely(self, alone, end):
        while time.monotonic() < end:
            for (path, body), expected in zip(QUESTIONS, alone):
                start = time.monotonic()
                try:
                    status, answer = await self.answer(path, body)
                except (OSError, asyncio.TimeoutError, json.JSONDecodeError) as error:
                    self.wrong.append((path, repr(error)))
                    continue
                if status in (429, 503):  # with Retry-After: come again
                    self.refused += 1
                    await asyncio.sleep(0.2)
                    continue
                self.seconds.append(time.monotonic() - start)
                self.polite += 1
                if (status, answer) != expected:
                    self.wrong.append((path, status, str(answer)[:300]))
            await asyncio.sleep(0.05)

    # Rude clients. Each takes a connection and does one thing with it.

    async def dribble(self, reader, writer, r):
        writer.write(POST + b"content-length: %d\r\n\r\n" % (32 * MIB))
        for _ in range(r.randint(0, 12)):
            writer.write(b"{" * r.randint(0, 3))
            await asyncio.sleep(1)

    async def stop_short(self, reader, writer, r):
        writer.write(POST + b"content-length: %d\r\n\r\n" % (32 * MIB))
        piece = b" " * MIB
        for _ in range(r.randint(8, 31)):
            writer.write(piece)
            await writer.drain()
        await asyncio.sleep(r.uniform(0, 15))

    async def slow_head(self, reader, writer, r):
        writer.write(b"GET /health HTTP/1.1\r\n")
        for n in range(r.randint(1, 12)):
            writer.write(b"x-%d: y\r\n" % n)
            await asyncio.sleep(1)

    async def misframe(self, reader, writer, r):
        writer.write(r.choice(FRAMING) + SMUGGLED * r.randint(1, 3))
        data = await asyncio.wait_for(reader.read(), 30)
        answers = re.findall(rb"HTTP/1\.1 (\d+)", data)
        if len(answers) > 1 or (answers and answers[0] == b"200"):
            self.wrong.append(("framing", data[:300]))

    async def brackets(self, reader, writer, r):
        kind = r.choice([b"[],", b"{},", b"1,", b'"",', b"[[[[]]]],", b'{"a":{}},'])
        data = b'{"prompt":[' + kind * (r.randint(1, 30) * MIB // len(kind)) + b"1]}"
        writer.write(post(r.choice(["/tokenize", "/v1/completions", "/detokenize"]), data, b"connection: close\r\n"))
        await asyncio.wait_for(reader.read(), 60)

    async def long_prompt(self, reader, writer, r):
        text = r.choice(["a", "fox ", " ", "ab c\n", "\u00e9"]) * (r.randint(1, 8) * MIB)
        path, body = r.choice([("/tokenize", {"prompt": text}), ("/v1/completions", {"prompt": [text, "x"]}),
                               ("/v1/chat/completions", {"messages": [{"role": "user", "content": text}]})])
        writer.write(ask(path, body))
        await asyncio.wait_for(reader.read(), 60)

    async def broken_json(self, reader, writer, r):
        data = r.choice([b"[" * 5000, b'{"prompt":' + b"9" * 5000 + b"}", b'{"a":1,"a":2}', b'{"prompt":"\xff\xfe"}', b"\0",
                         b'{"prompt":1e999}', b'{"' + b"k" * 100000 + b'":1}', b'{"prompt":"\\ud800"}', b"",
                         b'{"model":"' + "\u0085\u009b".encode() + b'"}'])
        writer.write(post("/v1/chat/completions", data, b"connection: close\r\n"))
        await asyncio.wait_for(reader.read(), 30)

    async def tiny_chunks(self, reader, writer, r):
        writer.write(POST + b"transfer-encoding: chunked\r\n\r\n")
        for _ in range(r.randint(1, 400)):
            writer.write(b"1;x=%s\r\n{\r\n" % (b"y" * r.randint(0, 60)))
        await writer.drain()
        await asyncio.sleep(r.uniform(0, 3))

    async def read_nothing(self, reader, writer, r):
        writer.transport.pause_reading()
        for _ in range(r.randint(1, 4)):
            writer.write(post("/v1/completions", json.dumps({"prompt": "x", "max_tokens": 200, "ignore_eos": True, "n": 2,
                                                             "stream": True, "logprobs": 5}).encode()))
        await asyncio.sleep(r.uniform(1, 10))

    async def pipeline(self, reader, writer, r):
        writer.write(b"GET /page.js HTTP/1.1\r\nhost: localhost\r\n\r\n" * r.randint(10, 3000))
        await asyncio.sleep(r.uniform(0, 2))

    async def leave(self, reader, writer, r):
        writer.write(ask("/v1/completions", {"prompt": "a", "max_tokens": 100, "ignore_eos": True, "stream": True}))
        await asyncio.sleep(r.expovariate(4))

    async def half_close(self, reader, writer, r):
        writer.write(r.choice([b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n", POST + b"content-length: 9\r\n\r\n{}"]))
        writer.write_eof()
        await asyncio.wait_for(reader.read(), 30)

    async def garbage(self, reader, writer, r):
        writer.write(r.randbytes(r.randint(1, 20000)))
        await asyncio.sleep(r.uniform(0, 1))

    async def silence(self, reader, writer, r):
        await asyncio.sleep(r.uniform(0, 12))

    async def be_rude(self, number, end):
        r = random.Random(self.a.seed * 1000 + number)
        ways = [self.dribble, self.stop_short, self.slow_head, self.misframe, self.misframe, self.misframe, self.brackets,
                self.long_prompt, self.broken_json, self.broken_json, self.tiny_chunks, self.read_nothing, self.pipeline,
                self.leave, self.half_close, self.garbage, self.silence]
        while time.monotonic() < end:
            way = r.choice(ways)
            self.done[way.__name__] = self.done.get(way.__name__, 0) + 1
            writer = None
            try:
                reader, writer = await self.open(way == self.read_nothing)
                if r.random() < 0.3:  # closing resets the connection
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                await way(reader, writer, r)
            except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
                pass
            finally:
                if writer is not None:
                    writer.transport.abort() if r.random() < 0.5 else writer.close()

    # The whole

    async def watch(self, end):
        while time.monotonic() < end:
            with open(f"/proc/{self.pid}/status") as status:
                self.memory.append(next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) // 1024)
            await asyncio.sleep(1)

    async def run(self):
        alone = [await self.answer(path, body) for path, body in QUESTIONS]
        self.wrong += [("alone", a) for a in alone if a[0] != 200]
        end = time.monotonic() + self.a.seconds
        tasks = [self.ask_politely(alone, end) for _ in range(2)] + [self.be_rude(n, end) for n in range(self.a.rude)]
        await asyncio.gather(self.watch(end), *tasks)
        await asyncio.sleep(1)
        if [await self.answer(path, body) for path, body in QUESTIONS] != alone:
            self.wrong.append("the answers after it are others")

    def report(self):
        result = {"seconds": self.a.seconds, "rude": self.a.rude, "polite_answers": self.polite, "told_to_wait": self.refused,
                  "wrong": len(self.wrong), "did": dict(sorted(self.done.items()))}
        if len(self.seconds) > 1:
            result["polite_s"] = {"median": round(statistics.median(self.seconds), 3), "most": round(max(self.seconds), 2)}
        minutes = [self.memory[i:i + 60] for i in range(0, len(self.memory), 60)]
        result["rss_mib"] = [{"low": low(m), "median": int(statistics.median(m)), "most": max(m)} for m in minutes]
        failed = bool(self.wrong) or not self.polite
        if len(minutes) >= 3 and not self.a.without_memory:
            last = self.memory[-len(self.memory) // 3:]
            failed |= all(of(last) > 1.1 * of(minutes[1]) for of in (low, statistics.median))
        for wrong in self.wrong[:5]:
            print("wrong:", wrong, file=sys.stderr)
        print(json.dumps(result))
        return failed


def low(values):
    """The lowest decile."""
    return sorted(values)[len(values) // 10]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("--seconds", type=float, default=600)
    p.add_argument("--rude", type=int, default=64)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--without-memory", action="store_true", help="a sanitizer keeps what is freed")
    a = p.parse_args()
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen([a.program, "serve", "--port", "0", "--log-level", "warn", "--cache-memory", "64",
                                   "--max-queue", "64"], stderr=log)
        try:
            port = None
            while port is None and server.poll() is None:
                time.sleep(0.05)
                text = os.pread(log.fileno(), 65536, 0).decode(errors="replace")
                port = next(iter(re.findall(r"^serving .* at http://[^ ]*:(\d+)", text, re.M)), None)
            if port is None:
                sys.exit("the server did not start:\n" + text)
            soak = Soak(a, int(port), server.pid)
            asyncio.run(soak.run())
            if server.poll() is not None:
                soak.wrong.append(f"the server has ended with {server.returncode}")
            failed = soak.report()
        finally:
            server.terminate()
            ended = server.wait(60)
        sys.exit(failed or ended != 0)


main()
