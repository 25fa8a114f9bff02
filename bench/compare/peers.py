"""Programs that the peers come with, as they are measured: one call for each figure."""

import json
import subprocess
import sys

# Options by which each peer is at its best on processors; sampling and text are in the figures of neither.
OPTIONS = {
    "ik": ["-rtr", "1", "-mla", "3", "-fa", "1"],  # weights repacked at load, latent attention
    "llama.cpp": ["-fa", "1"],
}


def output_of(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return done.stdout


class Peer:
    """llama-bench and llama-batched-bench of one folder."""

    def __init__(self, name, folder, threads, tokens):
        self.name, self.folder, self.tokens = name, folder, tokens
        self.common = ["-t", str(threads), *OPTIONS[name]]

    def bench(self, model, *what):
        """Tokens per second of the last test."""
        tests = json.loads(output_of([f"{self.folder}/llama-bench", "-m", model, *self.common, "-r", "1", "-o", "json", *what]))
        return tests[-1]["avg_ts"]

    def prefill(self, model, prompt):
        return self.bench(model, "-p", str(prompt), "-n", "0", "-r", "3")

    def decode(self, model, depth):
        if depth == 0:
            return self.bench(model, "-p", "0", "-n", str(self.tokens))
        if self.name == "ik":
            return self.bench(model, "-p", "0", "-n", "0", "-gp", f"{depth},{self.tokens}")
        return self.bench(model, "-p", "0", "-n", str(self.tokens), "-d", str(depth))

    def batched(self, model, sequences):
        out = output_of([f"{self.folder}/llama-batched-bench", "-m", model, *self.common, "-c", str(sequences * 128), "-npp", "8",
                         "-ntg", str(self.tokens), "-npl", str(sequences), *([] if self.name == "ik" else ["-kvu"])])
        # | PP | TG | B | N_KV | T_PP s | S_PP t/s | T_TG s | S_TG t/s | ...
        return float([line for line in out.splitlines() if line.startswith("|")][-1].split("|")[8])
