#!/usr/bin/env python3
"""Trains the model of a Nestor recipe in PyTorch (see peer_model.py): the other side of scripts that compare speed, and
a quick place to try an idea. Reads token ids (16 bit, EOS ends documents); prints one JSON line last.

  train_peer.py RECIPE.json --ids train.ids [--heldout heldout.ids] [--set key=value]... [--bf16] [--compile]"""

import argparse
import json
import math
import time

import numpy as np
import torch

from peer_model import Model
from peer_optimizers import Muon, RowOptimizer


class Windows:
    """Shuffled documents, cut into windows in shuffled order; a pure function of the seed and the batch number."""

    def __init__(self, ids, eos, window, rows, seed):
        self.ids, self.window, self.rows, self.seed = ids, window, rows, seed
        ends = np.flatnonzero(ids == eos) + 1
        self.starts, self.ends = np.concatenate(([0], ends[:-1])), ends
        self.per_epoch = (int(ends[-1]) - 2) // (window * rows)
        self.epoch = -1

    def batch(self, number):
        epoch, at = divmod(number, self.per_epoch)
        if epoch != self.epoch:
            rng = np.random.default_rng((self.seed, epoch))
            order = rng.permutation(len(self.starts))
            self.stream = np.concatenate([self.ids[self.starts[d] : self.ends[d]] for d in order]).astype(np.int64)
            self.order, self.epoch = rng.permutation(self.per_epoch * self.rows), epoch
        cut = [self.stream[w * self.window : w * self.window + self.window + 2]
               for w in self.order[at * self.rows : (at + 1) * self.rows]]
        x = torch.from_numpy(np.stack(cut))
        return x[:, :-2], x[:, 1:-1], x[:, 2:]


def rate(schedule, step):
    """Factor of the learning rates at a step that counts from 0."""
    steps, warm = schedule["steps"], schedule.get("warmup_steps", 80)
    final, kind = schedule.get("final_fraction", 0), schedule.get("kind", "wsd")
    factor = min(1.0, (step + 1) / max(warm, 1))
    if kind == "cosine":
        past = max(0.0, (step - warm) / max(1, steps - warm))
        return factor * (final + (1 - final) * 0.5 * (1 + math.cos(math.pi * past)))
    if kind == "wsd":
        begin = schedule.get("decay_from", 0.55) * steps
        return factor * (1.0 if step < begin else final + (1 - final) * (steps - step) / (steps - begin))
    return factor


class Optimizers:
    def __init__(self, model, recipe):
        d, t = recipe.get("dense", {}), recipe.get("tables", {})
        tables = model.table_parameters()
        known = {id(p) for p in tables}
        named = [(n, p) for n, p in model.named_parameters() if id(p) not in known]
        hidden = [(n, p) for n, p in named if p.dim() >= 2 and not any(w in n for w in ("lm_head", "classifier", "post_projs"))]
        if d.get("kind", "muon") != "muon":
            hidden = []
        chosen = {id(p) for _, p in hidden}
        betas, eps = (d.get("beta1", 0.9), d.get("beta2", 0.98)), d.get("epsilon", 1e-10)
        self.muon = Muon(hidden, d.get("muon_momentum", 0.95)) if hidden else None
        self.muon_rate, self.base = d.get("muon_learning_rate", 0.02), d.get("learning_rate", 8e-3)
        router = d.get("router_learning_rate_factor", 0.5)
        groups = [{"params": [p], "factor": router if "classifier" in n else
                   d.get("head_learning_rate_factor", 1) if "lm_head" in n else 1.0}
                  for n, p in named if id(p) not in chosen]
        self.adam = torch.optim.AdamW(groups, lr=1.0, betas=betas, eps=eps, weight_decay=d.get("weight_decay", 0), fused=True)
        # Tables are trained folded: their rate is meant before amplification.
        self.table_factor = t.get("learning_rate_factor", 1) * model.amplification
        self.kind = t.get("kind", "row_adam")
        tb, te = (t.get("beta1", 0.9), t.get("beta2", 0.98)), t.get("epsilon", 1e-10)
        if self.kind == "adam":
            self.rows = []
            self.dense = torch.optim.Adam(tables, lr=1.0, betas=tb, eps=te, fused=True)
        else:
            self.dense = None
            self.rows = [RowOptimizer(p, self.kind, *tb, te) for p in tables]
        self.clip, self.parameters = d.get("clip_norm", 1), list(model.parameters())

    def step(self, factor, number):
        dense = [p for p in self.parameters if p.grad is not None and not p.grad.is_sparse]
        if self.clip:
            torch.nn.utils.clip_grad_norm_(dense, self.clip)
        if self.muon:
            self.muon.step(self.muon_rate * factor)
        for group in self.adam.param_groups:
            group["lr"] = self.base * factor * group["factor"]
        self.adam.step()
        table_rate = self.base * factor * self.table_factor
        if self.dense:
            self.dense.param_groups[0]["lr"] = table_rate
            self.dense.step()
        for row in self.rows:
            row.step(table_rate, number)
        for p in self.parameters:
            p.grad = None


@torch.no_grad()
def evaluate(model, ids, window, bf16, limit):
    model.eval()
    x = torch.from_numpy(ids.astype(np.int64))
    total = count = 0
    windows = min((len(x) - 1) // window, limit // window)
    for first in range(0, windows, 8):
        part = range(first, min(first + 8, windows))
        a = torch.stack([x[w * window : w * window + window] for w in part])
        b = torch.stack([x[w * window + 1 : w * window + window + 1] for w in part])
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss, n, _ = model(a, b)
        total, count = total + float(loss), count + int(n)
    model.train()
    return total / count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("recipe")
    parser.add_argument("--ids", required=True)
    parser.add_argument("--heldout")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tokens-per-byte", type=float, help="of the held-out ids; also prints bits per byte")
    parser.add_argument("--evaluate-every", type=int, default=0)
    parser.add_argument("--evaluate-tokens", type=int, default=65536)
    parser.add_argument("--stop", type=int, help="after so many steps of the schedule")
    parser.add_argument("--measure-from", type=int, default=5, help="step from which speed is measured")
    options = parser.parse_args()
    recipe = json.load(open(options.recipe))
    for item in options.set:
        key, value = item.split("=", 1)
        at = recipe
        for part in key.split(".")[:-1]:
            at = at.setdefault(part, {})
        try:
            at[key.split(".")[-1]] = json.loads(value)
        except ValueError:
            at[key.split(".")[-1]] = value
    torch.set_num_threads(options.threads)
    torch.manual_seed(recipe.get("seed", 1))
    data = recipe["data"]
    model = Model(recipe, sparse=recipe.get("tables", {}).get("kind", "row_adam") != "adam")
    optimizers = Optimizers(model, recipe)
    eos = recipe["model"]["config"].get("eos_token_id", 2)
    windows = Windows(np.fromfile(options.ids, np.uint16), eos, data.get("window", 512), data.get("rows", 8),
                      recipe.get("seed", 1))
    heldout = np.fromfile(options.heldout, np.uint16) if options.heldout else None
    forward = torch.compile(model) if options.compile else model
    schedule = recipe["schedule"]
    steps = min(options.stop or schedule["steps"], schedule["steps"])
    tokens, begin, began_at, smooth, history = data.get("window", 512) * data.get("rows", 8), None, 0, None, []
    print(json.dumps({"parameters": sum(p.numel() for p in model.parameters()),
                      "tables": sum(p.numel() for p in model.table_parameters()[1:]), "steps": steps}), flush=True)
    spent = 0.0
    for step in range(steps):
        if step == options.measure_from:
            begin, began_at = time.perf_counter(), step
        ids, targets, second = windows.batch(step)
        with torch.autocast("cpu", torch.bfloat16, enabled=options.bf16):
            loss, count, draft = forward(ids, targets, second)
            total = loss / count + model.balance()
            if draft is not None:
                total = total + model.draft_weight * draft
        total.backward()
        model.update_biases()
        optimizers.step(rate(schedule, step), step + 1)
        value = float(loss.detach()) / int(count)
        smooth = value if smooth is None else 0.95 * smooth + 0.05 * value
        last = step + 1 == steps
        if options.evaluate_every and heldout is not None and ((step + 1) % options.evaluate_every == 0 or last):
            pause = time.perf_counter()
            nll = evaluate(model, heldout, data.get("window", 512), options.bf16, options.evaluate_tokens)
            history.append([step + 1, round(smooth, 4), round(nll, 4)])
            bits = nll / math.log(2) * options.tokens_per_byte if options.tokens_per_byte else float("nan")
            print(f"step {step + 1} train {smooth:.4f} heldout {nll:.4f} bits/byte {bits:.4f}", flush=True)
            spent += time.perf_counter() - pause
    seconds = time.perf_counter() - begin - spent if begin else float("nan")
    print(json.dumps({"train": smooth, "history": history, "tokens_per_second": (steps - began_at) * tokens / seconds,
                      "cpu_seconds": time.process_time(), "threads": options.threads}), flush=True)


if __name__ == "__main__":
    main()
