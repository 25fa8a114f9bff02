#!/usr/bin/env python3
"""What nestor plan fit predicts from a config.json, beside what nestor bench then measures. Prints a table and one JSON line last.

  bench/plan/compare.py --folder FOLDER [--nestor build/release/bin/nestor] [--shapes wide,deep] [--formats q4] [--threads 2]

FOLDER keeps the random models (some 2 GB for all). A cell is one prediction, one measurement and one prediction more: the two
predictions show how much the machine itself changed meanwhile. Other work on the machine spoils the figures."""

import argparse
import json
import os
import subprocess

BASE = {
    "architectures": ["LongcatFlashNgramForCausalLM"], "model_type": "longcat_flash_ngram", "vocab_size": 8192,
    "hidden_size": 1024, "num_layers": 4, "num_attention_heads": 16, "q_lora_rank": 512, "kv_lora_rank": 256,
    "qk_nope_head_dim": 64, "qk_rope_head_dim": 32, "v_head_dim": 64, "ffn_hidden_size": 2816,
    "expert_ffn_hidden_size": 512, "n_routed_experts": 16, "zero_expert_num": 8, "zero_expert_type": "identity",
    "moe_topk": 4, "routed_scaling_factor": 4.0, "attention_bias": False, "mla_scale_q_lora": True,
    "mla_scale_kv_lora": True, "emb_neighbor_num": 3, "emb_split_num": 2, "ngram_vocab_size_ratio": 2.382,
    "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "max_position_embeddings": 4096, "bos_token_id": 1,
    "eos_token_id": 2, "torch_dtype": "bfloat16",
}
SHAPES = {
    "base": {},
    "wide": {"hidden_size": 2048, "num_layers": 2, "ffn_hidden_size": 4096},
    "deep": {"hidden_size": 768, "num_layers": 10, "num_attention_heads": 12, "ffn_hidden_size": 2048},
    "experts": {"num_layers": 3, "n_routed_experts": 64, "zero_expert_num": 32, "moe_topk": 12},
    "head": {"vocab_size": 65536, "num_layers": 2},
    "dense": {"num_layers": 3, "ffn_hidden_size": 6144, "n_routed_experts": 4, "zero_expert_num": 0, "moe_topk": 1},
}
FORMATS = ["bf16", "q8", "q4"]


def call(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


def cell(options, shape, form):
    config = os.path.join(options.folder, shape + ".json")
    with open(config, "w") as file:
        json.dump({**BASE, **SHAPES[shape]}, file)
    model = os.path.join(options.folder, f"{shape}-{form}")
    if not os.path.exists(os.path.join(model, "config.json")):
        call(options.nestor, "new", "--preset", config, model, "--weights", form, "--tables", form)
    threads = ["--threads", str(options.threads)]
    plan = [options.nestor, "plan", "fit", config, "--weights", form, "--tables", form, "--prompt", str(options.prompt), "--json"]
    before = json.loads(call(*plan, *threads))
    bench = json.loads(call(options.nestor, "bench", model, *threads, "--prompt", str(options.prompt), "--rounds", "3", "--depths", "0",
                            "--sequences", "1", "-n", "24"))
    after = json.loads(call(*plan, *threads))
    out = {"shape": shape, "format": form, "mb_per_token": before["decode"]["matrix_bytes"] / 1e6}
    for key in ("decode_tok_s", "prefill_tok_s"):
        predicted = (before[key] + after[key]) / 2
        out[key] = {"predicted": [before[key], after[key]], "measured": bench[key], "error": predicted / bench[key] - 1}
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--nestor", default="build/release/bin/nestor")
    parser.add_argument("--shapes", default=",".join(SHAPES))
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--prompt", type=int, default=256)
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    print("| shape | format | MB a token | decode: predicted, measured tok/s | error | prefill: predicted, measured tok/s | error |")
    print("|---|---|---|---|---|---|---|", flush=True)
    cells = []
    for shape in options.shapes.split(","):
        for form in options.formats.split(","):
            c = cell(options, shape, form)
            cells.append(c)
            d, p = c["decode_tok_s"], c["prefill_tok_s"]
            print(f"| {shape} | {form} | {c['mb_per_token']:.0f} | {d['predicted'][0]:.1f} {d['predicted'][1]:.1f}, {d['measured']:.1f} | "
                  f"{100 * d['error']:+.0f} % | {p['predicted'][0]:.0f} {p['predicted'][1]:.0f}, {p['measured']:.0f} | "
                  f"{100 * p['error']:+.0f} % |", flush=True)
    print(json.dumps({"threads": options.threads, "prompt": options.prompt, "cells": cells}))


if __name__ == "__main__":
    main()
