"""What a server makes of a model, against the same scheduler without one: measure.py [--folder BIN] MODEL PART...

    decode     total rate of 16 clients against that of one (targets of the project: 2.5 times)
    offline    mixed requests through 64 clients against serving_offline_bench (85 %)
    prefix     first token of a second request that shares 2,000 tokens with the first (10 times)

Starts `nestor serve` on a free port of this machine; load and server share its processors. The standard library only.
Prompts are random token ids, answers greedy and of a given length. The last line is one JSON object.
"""

import argparse
import http.client
import json
import queue
import random
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path


class Server:
    def __init__(self, program, model, *options):
        self.process = subprocess.Popen(
            [program, "serve", model, "--port", "0", "--log-level", "warn", *options], stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if line.startswith("serving "):
                self.address = line.split("http://")[1].split()[0]
                break
        else:
            raise SystemExit("the server did not start")
        threading.Thread(target=lambda: [print(line, end="") for line in self.process.stderr], daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def complete(self, connection, prompt, max_tokens, each="token"):
        """Streams one answer; gives the times of its tokens (or of its events), on the clock of this process."""
        ask = {"prompt": prompt, "max_tokens": max_tokens, "stream": True, "temperature": 0, "ignore_eos": True,
               "stream_options": {"include_usage": True}}
        if each == "token":
            ask["logprobs"] = 0  # with it every token is an event, even one without text
        body = json.dumps(ask)
        connection.request("POST", "/v1/completions", body, {"content-type": "application/json"})
        response = connection.getresponse()
        assert response.status == 200, response.read()
        times = []
        while (line := response.readline()) != b"data: [DONE]\n":
            if line.startswith(b"data:"):
                times.append(time.monotonic())
                last = line
        response.read()
        assert b'"completion_tokens":%d,' % max_tokens in last, last
        return times[:max_tokens]  # then come the end and the usage

    def run(self, requests, clients, each="token"):
        """All requests, each client taking the next one as soon as it is done. Seconds, and the times of each."""
        waiting = queue.SimpleQueue()
        for request in requests:
            waiting.put(request)
        results = []

        def client():
            connection = http.client.HTTPConnection(self.address)
            while True:
                try:
                    request = waiting.get_nowait()
                except queue.Empty:
                    return
                results.append(self.complete(connection, request["prompt"], request["max_tokens"], each))

        threads = [threading.Thread(target=client) for _ in range(clients)]
        start = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == len(requests), "a client failed"
        return time.monotonic() - start, results


def ids(source, vocabulary, count):
    return [source.randrange(20, vocabulary) for _ in range(count)]


def decode(a, source, vocabulary):
    """Of each run the middle counts: when all clients generate."""
    rates = {}
    with Server(a.nestor, a.model, "--max-batch", str(a.clients)) as server:
        requests = lambda n: [{"prompt": ids(source, vocabulary, 16), "max_tokens": a.tokens} for _ in range(n)]
        server.run([{"prompt": ids(source, vocabulary, 16), "max_tokens": 8} for _ in range(2)], 1)  # pages in
        for clients in (1, a.clients):
            _, results = server.run(requests(clients), clients)
            begin = max(times[0] for times in results)
            end = min(times[-1] for times in results)
            made = sum(sum(begin < t <= end for t in times) for times in results)
            rates[clients] = made / (end - begin)
    return {"tokens": a.tokens, "one": round(rates[1], 2), f"clients_{a.clients}": round(rates[a.clients], 2),
            "ratio": round(rates[a.clients] / rates[1], 2)}


def offline(a, source, vocabulary):
    requests = [{"prompt": ids(source, vocabulary, source.randint(8, 256)), "max_tokens": source.randint(16, 96)}
                for _ in range(a.requests)]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        for request in requests:
            file.write(json.dumps(request) + "\n")
        file.flush()
        made = sum(r["max_tokens"] for r in requests)
        rounds = {"served": [], "offline": []}
        for _ in range(a.rounds):
            with Server(a.nestor, a.model, "--max-queue", "1000") as server:
                seconds, _ = server.run(requests, 64, "event")
                rounds["served"].append(made / seconds)
            line = subprocess.run([a.offline, a.model, file.name], check=True, stdout=subprocess.PIPE, text=True).stdout
            rounds["offline"].append(json.loads(line.splitlines()[-1])["generated_per_second"])
    best = {name: statistics.median(rates) for name, rates in rounds.items()}
    return {"requests": a.requests, "generated_tokens": made, "served_per_second": round(best["served"], 2),
            "offline_per_second": round(best["offline"], 2), "share": round(best["served"] / best["offline"], 3)}


def prefix(a, source, vocabulary):
    pairs = []
    with Server(a.nestor, a.model) as server:
        connection = http.client.HTTPConnection(server.address)
        server.complete(connection, ids(source, vocabulary, 300), 2)
        for _ in range(a.rounds):
            shared = ids(source, vocabulary, 2000)
            pair = []
            for _ in range(2):
                start = time.monotonic()
                pair.append(server.complete(connection, shared + ids(source, vocabulary, 8), 2)[0] - start)
            pairs.append(pair)
    ratio = statistics.median(f / s for f, s in pairs)
    return {"shared": 2000, "first_s": round(statistics.median(f for f, _ in pairs), 4),
            "second_s": round(statistics.median(s for _, s in pairs), 4), "ratio": round(ratio, 1)}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("model")
    p.add_argument("parts", nargs="+", choices=["decode", "offline", "prefix"])
    p.add_argument("--folder", default="build/release/bin", help="where nestor and serving_offline_bench are")
    p.add_argument("--clients", type=int, default=16)
    p.add_argument("--tokens", type=int, default=64)
    p.add_argument("--requests", type=int, default=64)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    a.nestor, a.offline = f"{a.folder}/nestor", f"{a.folder}/serving_offline_bench"
    vocabulary = json.loads((Path(a.model) / "config.json").read_text())["vocab_size"]
    result = {"bench": "serving", "model": Path(a.model).name}
    for part in a.parts:
        result[part] = globals()[part](a, random.Random(a.seed), vocabulary)
    print(json.dumps(result))


main()
