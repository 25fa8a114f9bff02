#!/usr/bin/env python3
"""Tiny LongCat-Flash models by transformers itself, and what it computes with them.

    python models.py make FOLDER                 writes each model of MODELS to FOLDER/NAME as save_pretrained does, with
                                                 expected.json and logits.npy (tests/data/transformers was made so)
    python models.py check NESTOR FOLDER [SEED]  makes them again in FOLDER with other numbers and holds NESTOR, the
                                                 program, against them; then converts models with it and opens the
                                                 result with transformers
"""
import json
import os
import subprocess
import sys

import numpy as np
import torch
from transformers import LongcatFlashConfig, LongcatFlashForCausalLM

SHAPE = dict(vocab_size=40, hidden_size=16, num_layers=2, num_attention_heads=2, q_lora_rank=8, kv_lora_rank=12,
             qk_nope_head_dim=6, qk_rope_head_dim=4, head_dim=4, v_head_dim=5, ffn_hidden_size=20,
             expert_ffn_hidden_size=7, n_routed_experts=4, zero_expert_num=2, moe_topk=2, max_position_embeddings=256,
             routed_scaling_factor=1.5, rms_norm_eps=1e-5, pad_token_id=0)
YARN = dict(rope_type="yarn", rope_theta=1e4, factor=4.0, original_max_position_embeddings=16, mscale=1.0,
            mscale_all_dim=1.0, beta_fast=32.0, beta_slow=1.0)

# name: (what differs from SHAPE, how it is saved)
MODELS = {
    "default": ({}, {}),
    "no_identity": (dict(zero_expert_num=0), {}),
    "fused": ({}, dict(save_original_format=False)),
    "fused_no_identity": (dict(zero_expert_num=0), dict(save_original_format=False)),
    "sharded": ({}, dict(max_shard_size="20KB")),
    "bf16": ({}, dict(dtype=torch.bfloat16)),
    "yarn": (dict(rope_parameters=YARN), {}),
    "router_logits": (dict(output_router_logits=True, eos_token_id=[2, 3], bos_token_id=None), {}),
}
IDS = [1, 17, 5, 5, 39, 8, 22, 17, 5, 30, 4, 12, 33, 7, 7, 19, 26, 11, 35, 9, 3, 28, 14, 6]
NEW_TOKENS = 24


def random_model(seed, change):
    torch.manual_seed(seed)
    model = LongcatFlashForCausalLM(LongcatFlashConfig(**{**SHAPE, **change})).eval()
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if "norm" in name:
                value.copy_(1 + 0.3 * torch.randn(value.shape))
            else:
                value.copy_(torch.randn(value.shape) * (0.05 if "correction" in name else 0.35))
    return model


def answers(folder):
    """Logits of IDS and a greedy continuation, in float32 from the saved folder. Also how far the nearest other token
    was: a continuation is only worth comparing where that is far more than rounding."""
    model = LongcatFlashForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    with torch.no_grad():
        logits = model(torch.tensor([IDS])).logits[0].numpy()
        tokens = model.generate(torch.tensor([IDS]), do_sample=False, max_new_tokens=NEW_TOKENS, eos_token_id=None,
                                pad_token_id=0)[0].tolist()
        top = torch.topk(model(torch.tensor([tokens])).logits[0, len(IDS) - 1:-1], 2).values
    return logits, tokens[len(IDS):], float((top[:, 0] - top[:, 1]).min())


def save(folder, seed, change, how):
    how = dict(how)
    dtype = how.pop("dtype", torch.float32)
    random_model(seed, change).to(dtype).save_pretrained(folder, **how)


def make(root, seed):
    for number, (name, (change, how)) in enumerate(MODELS.items()):
        folder = os.path.join(root, name)
        gap = 0
        while gap < 1e-3:
            save(folder, seed, change, how)
            logits, greedy, gap = answers(folder)
            seed += len(MODELS)
        np.save(os.path.join(folder, "logits.npy"), logits)
        with open(os.path.join(folder, "expected.json"), "w") as out:
            json.dump({"ids": IDS, "greedy": greedy}, out)
            out.write("\n")


def nestor(program, *arguments):
    return subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout


def logits_of(program, folder, ids, scratch):
    out = os.path.join(scratch, "out.npy")
    nestor(program, "logits", folder, "--ids", " ".join(map(str, ids)), "--out", out, "--dtype", "f32")
    return np.load(out)


def difference(a, b):
    return float(np.max(np.abs(a - b)) / np.max(np.abs(b)))


def check(program, root, seed):
    make(root, seed)
    for name in MODELS:
        folder = os.path.join(root, name)
        with open(os.path.join(folder, "expected.json")) as file:
            expected = json.load(file)
        wanted = np.load(os.path.join(folder, "logits.npy"))
        got = difference(logits_of(program, folder, expected["ids"], root), wanted)
        ids = expected["ids"] + expected["greedy"]
        rows = logits_of(program, folder, ids, root)[len(expected["ids"]) - 1:-1]
        assert got < 1e-5 and rows.argmax(1).tolist() == expected["greedy"], (name, got)
        print(f"{name}: logits differ by {got:.1e}, {len(expected['greedy'])} greedy tokens are equal")
    # The way back: what Nestor writes is a checkpoint of transformers.
    for name in ("no_identity", "fused_no_identity"):
        converted = os.path.join(root, name + "-converted")
        nestor(program, "convert", os.path.join(root, name), converted)
        model = LongcatFlashForCausalLM.from_pretrained(converted, dtype=torch.float32, attn_implementation="eager")
        with torch.no_grad():
            wanted = model.eval()(torch.tensor([IDS])).logits[0].numpy()
        back = difference(logits_of(program, converted, IDS, root), wanted)
        assert back < 1e-5, (name, back)
        print(f"{name}: converted and opened by transformers, logits differ by {back:.1e}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["make"] and len(sys.argv) == 3:
        make(sys.argv[2], 1)
    elif sys.argv[1:2] == ["check"] and len(sys.argv) in (4, 5):
        check(sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) == 5 else 1000)
    else:
        sys.exit(__doc__)
