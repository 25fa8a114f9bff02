#!/usr/bin/env python3
"""Tokens per second of Nestor's trainer and of the same model in PyTorch (peer_model.py), eager and compiled, in turns
in one run. Prints one JSON line last.

  compare.py RECIPE.json --nestor build/release/bin/nestor [--rounds 3] [--steps 40] [--threads 2] [--no-compile]

Run it with a Python that has torch (the same version as Nestor's libtorch) and numpy. The recipe's text is packed by the
first Nestor run; the peer reads the same ids. The peer computes in bf16 where that is what Nestor measured to be
faster, and its allocator keeps large blocks (MALLOC_*), as nestor-train's does."""

import argparse
import glob
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def nestor(options, recipe, folder, steps):
    out = os.path.join(folder, "run")
    shutil.rmtree(out, ignore_errors=True)
    settings = {"schedule.steps": steps, "schedule.warmup_steps": min(5, steps), "threads": options.threads,
                "reporting.log_every": 5, "reporting.evaluate_every": 10**9, "reporting.save_every": 10**9}
    command = [options.nestor, "train", recipe, "--out", out]
    for key, value in settings.items():
        command += ["--set", f"{key}={value}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    speeds = []
    for line in open(os.path.join(out, "metrics.jsonl")):
        report = json.loads(line)
        if "tokens_per_second" in report and report["step"] > 5:
            speeds.append(report["tokens_per_second"])
    # Equal numbers of tokens each: the mean speed is the harmonic mean.
    return statistics.harmonic_mean(speeds)


def peer(options, recipe, ids, steps, extra):
    environment = dict(os.environ, MALLOC_MMAP_THRESHOLD_="8589934592", MALLOC_TRIM_THRESHOLD_="17179869184",
                       MALLOC_TOP_PAD_="268435456", PYTHONWARNINGS="ignore")
    command = [sys.executable, os.path.join(HERE, "train_peer.py"), recipe, "--ids", ids, "--threads", str(options.threads),
               "--set", f"schedule.steps={steps}", "--set", "schedule.warmup_steps=5", *extra]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])["tokens_per_second"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("recipe")
    parser.add_argument("--nestor", default="build/release/bin/nestor")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--peer-tables", default="lazy_adam", help="row optimizer of the peer; lazy_adam is SparseAdam's rule")
    parser.add_argument("--no-compile", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        recipe = os.path.join(folder, "recipe.json")
        content = json.load(open(options.recipe))
        data = content["data"]
        base = os.path.dirname(os.path.abspath(options.recipe))
        data["train"] = [os.path.join(base, p) for p in ([data["train"]] if isinstance(data["train"], str) else data["train"])]
        data["tokenizer"] = os.path.join(base, data["tokenizer"])
        json.dump(content, open(recipe, "w"))
        nestor(options, recipe, folder, 6)  # packs the text, warms the caches
        found = glob.glob(os.path.join(folder, "run", "**", "train-00000.ids"), recursive=True)
        packed = found[0] if found else os.path.join(data["train"][0], "train-00000.ids")
        ids = os.path.join(folder, "train.ids")
        shutil.copy(packed, ids)
        kinds = {"eager bf16": ["--bf16"], "eager f32": []}
        if not options.no_compile:
            kinds["compiled bf16"] = ["--bf16", "--compile", "--measure-from", "15"]
        tables = ["--set", f"tables.kind={options.peer_tables}"]
        speeds = {"nestor": [], **{kind: [] for kind in kinds}}
        for round_number in range(options.rounds):
            speeds["nestor"].append(nestor(options, recipe, folder, options.steps))
            for kind, extra in kinds.items():
                speeds[kind].append(peer(options, recipe, ids, options.steps, extra + tables))
            print(f"round {round_number + 1}: " + ", ".join(f"{k} {v[-1]:.0f}" for k, v in speeds.items()), flush=True)
    medians = {kind: statistics.median(values) for kind, values in speeds.items()}
    best_eager = max(medians["eager bf16"], medians["eager f32"])
    print(json.dumps({"recipe": options.recipe, "threads": options.threads, "steps": options.steps, "tokens_per_second": speeds,
                      "median": medians, "over_eager": medians["nestor"] / best_eager,
                      "over_compiled": medians["nestor"] / medians["compiled bf16"] if not options.no_compile else None}))


if __name__ == "__main__":
    main()
