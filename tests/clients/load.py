"""Many clients at once, with mixed lengths and some that leave: python load.py URL [--clients 64] [--seconds 20] [--pid N]

Standard library only, one process, connections to this machine only. Ends with one JSON line: answers, tokens per
second, latencies, and, with the process id of the server, its memory at every eighth of the time. The exit code is 1 if
any answer was wrong, or if the memory has grown by more than --growth per cent since half of the time. That is
judged from two minutes on: before, the server is still filling its cache of prefixes.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from urllib.parse import urlsplit

WORDS = "the fox went over a hill and found an old house by the river where nobody had lived for many years".split()


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("url")
    p.add_argument("--clients", type=int, default=64)
    p.add_argument("--seconds", type=float, default=20)
    p.add_argument("--leave", type=float, default=0.15, help="share of requests whose client leaves")
    p.add_argument("--most-words", type=int, default=400)
    p.add_argument("--most-tokens", type=int, default=128)
    p.add_argument("--shared", type=float, default=0.3, help="share of prompts that begin alike")
    p.add_argument("--pid", type=int)
    p.add_argument("--growth", type=float, default=10)
    p.add_argument("--seed", type=int, default=1)
    return p.parse_args()


def rss(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


class Load:
    def __init__(self, a):
        self.a = a
        parts = urlsplit(a.url)
        if parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            sys.exit("load.py: only a server on this machine is loaded")
        self.host, self.port = parts.hostname, parts.port
        self.random = random.Random(a.seed)
        self.shared = " ".join(self.random.choices(WORDS, k=300))
        self.done = self.left = self.busy = self.tokens = 0
        self.wrong, self.first, self.total = [], [], []

    def body(self):
        r = self.random
        prompt = " ".join(r.choices(WORDS, k=r.randint(1, self.a.most_words)))
        if r.random() < self.a.shared:
            prompt = self.shared + " " + prompt[:200]
        chat = r.random() < 0.5
        ask = {"max_tokens": r.randint(1, self.a.most_tokens), "stream": r.random() < 0.7, "ignore_eos": True,
               "temperature": r.choice([0, 1]), "seed": r.randint(0, 999)}
        if ask["stream"]:
            ask["stream_options"] = {"include_usage": True}
        if chat:
            return "/v1/chat/completions", {"messages": [{"role": "user", "content": prompt}], **ask}
        return "/v1/completions", {"prompt": prompt, **ask}

    async def one(self):
        path, ask = self.body()
        leave_after = self.random.expovariate(5) if self.random.random() < self.a.leave else None
        start = time.monotonic()
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            data = json.dumps(ask).encode()
            writer.write(f"POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
                         f"content-length: {len(data)}\r\n\r\n".encode() + data)
            answer = self.read(reader, start)
            if leave_after is not None:
                try:
                    await asyncio.wait_for(answer, leave_after)
                except asyncio.TimeoutError:
                    self.left += 1
                    return
            else:
                status, text = await answer
                self.check(status, text, ask)
                self.total.append(time.monotonic() - start)
        finally:
            writer.close()

    async def read(self, reader, start):
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split()[1])
        body = b""
        while piece := await reader.read(65536):
            if not body and status == 200:
                self.first.append(time.monotonic() - start)
            body += piece
        return status, body.decode()

    def check(self, status, text, ask):
        if status == 429:
            self.busy += 1
            return
        expected = ask["max_tokens"]
        usage = f'"completion_tokens":{expected},'
        ended = "data: [DONE]" in text if ask["stream"] else True
        if status != 200 or usage not in text or not ended or '"error"' in text:
            self.wrong.append((status, text[-300:]))
            return
        self.done += 1
        self.tokens += expected

    async def client(self, end):
        while time.monotonic() < end:
            busy = self.busy
            try:
                await self.one()
            except (OSError, asyncio.IncompleteReadError) as error:
                self.wrong.append((0, repr(error)))
            if self.busy > busy:
                await asyncio.sleep(self.random.random())

    async def run(self):
        end = time.monotonic() + self.a.seconds
        clients = [asyncio.create_task(self.client(end)) for _ in range(self.a.clients)]
        memory = []
        for _ in range(8 if self.a.pid else 0):
            await asyncio.sleep(self.a.seconds / 8)
            memory.append(rss(self.a.pid))
        await asyncio.gather(*clients)
        seconds = time.monotonic() - end + self.a.seconds
        result = {"clients": self.a.clients, "seconds": round(seconds, 1), "answers": self.done, "left": self.left,
                  "busy": self.busy, "wrong": len(self.wrong), "tokens_per_second": round(self.tokens / seconds, 1)}
        for name, values in (("first_byte_s", self.first), ("total_s", self.total)):
            if len(values) > 1:
                result[name] = {"median": round(statistics.median(values), 3),
                                "p95": round(statistics.quantiles(values, n=20)[-1], 3)}
        failed = bool(self.wrong) or not self.done
        if memory:
            result["rss_kib"] = memory
            if self.a.seconds >= 120:
                failed |= memory[-1] > memory[3] * (1 + self.a.growth / 100)
        for wrong in self.wrong[:5]:
            print("wrong:", wrong, file=sys.stderr)
        print(json.dumps(result))
        return failed


load = Load(arguments())
sys.exit(asyncio.run(load.run()))
