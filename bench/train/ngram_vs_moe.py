#!/usr/bin/env python3
"""Trains ngram_vs_moe.json and its parameter-equal mixture-of-experts twin with several seeds and evaluates both on a
held-out text. Nothing but Nestor is needed. Prints one JSON line last.

  ngram_vs_moe.py --nestor build/release/bin/nestor --out FOLDER [--seeds 1,2,3] [--text FILE] [--set key=value]..."""

import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TEXT = os.path.join(HERE, "../../tests/data/golden/story/expected/heldout.txt")


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done.stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--recipe", default=os.path.join(HERE, "ngram_vs_moe.json"))
    parser.add_argument("--nestor", default="build/release/bin/nestor")
    parser.add_argument("--out", required=True)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--text", default=TEXT)
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    results = {"ngram": [], "moe": []}
    for seed in map(int, options.seeds.split(",")):
        for kind in results:  # in turns; the data order of a pair is the same
            folder = os.path.join(options.out, f"{kind}-{seed}")
            command = [options.nestor, "train", options.recipe, "--out", folder, "--resume", "--set", f"seed={seed}"]
            if kind == "moe":
                command += ["--set", "model.vanilla=true"]
            for setting in options.set:
                command += ["--set", setting]
            run(command)
            found = json.loads(run([options.nestor, "eval", os.path.join(folder, "final"), "--text", options.text,
                                    "--json"]).splitlines()[-1])
            results[kind].append(found["bits_per_byte"])
        print(f"seed {seed}: n-gram {results['ngram'][-1]:.4f}, twin {results['moe'][-1]:.4f} bits per byte", flush=True)
    gains = [moe - ngram for moe, ngram in zip(results["moe"], results["ngram"])]
    print(json.dumps({"bits_per_byte": results, "gain": gains, "mean_gain": statistics.mean(gains),
                      "deviation": statistics.stdev(gains) if len(gains) > 1 else None}))


if __name__ == "__main__":
    main()
