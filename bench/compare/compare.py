#!/usr/bin/env python3
"""Nestor and its peers on matrices of the same shapes and formats, in turns in one run. Prints a table and one JSON line last.

  bench/compare/build_peers FOLDER                    clones and builds ik_llama.cpp and llama.cpp
  python3 -m venv VENV && VENV/bin/pip install gguf numpy
  VENV/bin/python bench/compare/compare.py --peers FOLDER [--weights q4] [--threads 2] [--rounds 3] [--busy 0]

Without --config the shape is LongCat-Flash-Lite's with two layers, 64 + 32 experts and a vocabulary of 32768. Peers get them dressed
as DeepSeek-2 (proxy.py), which leaves out what they cannot do: n-gram tables and their projections. Their prompts count by the
multiply-adds that Nestor executed for one ("prefill" is tokens a second as if the proxy had all of them). Shares are of what memory gave in Nestor's run of the same round, or of the peak of its products;
--busy starts that many processes that only count."""

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import tempfile

import peers
import proxy

LITE = {
    "architectures": ["LongcatFlashNgramForCausalLM"], "model_type": "longcat_flash_ngram", "vocab_size": 32768,
    "hidden_size": 3072, "num_layers": 2, "num_attention_heads": 32, "q_lora_rank": 1536, "kv_lora_rank": 512,
    "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "ffn_hidden_size": 6144,
    "expert_ffn_hidden_size": 1024, "n_routed_experts": 64, "zero_expert_num": 32, "zero_expert_type": "identity",
    "moe_topk": 12, "routed_scaling_factor": 6.0, "attention_bias": False, "mla_scale_q_lora": True,
    "mla_scale_kv_lora": True, "emb_neighbor_num": 4, "emb_split_num": 4, "ngram_vocab_size_ratio": 7,
    "rms_norm_eps": 1e-5, "rope_theta": 5000000.0, "max_position_embeddings": 32768, "bos_token_id": 1,
    "eos_token_id": 2, "torch_dtype": "bfloat16",
}
DEPTH, SEQUENCES, PROMPT = 2048, 16, 512


def busy():
    while True:
        pass


def nestor(options, model, activations):
    command = [options.nestor, "bench", model, "--threads", str(options.threads), "--prompt", str(PROMPT), "--depths",
               f"0,{DEPTH}", "--sequences", f"1,{SEQUENCES}", "-n", str(options.tokens), "--rounds", "3",
               "--activations", activations]
    return json.loads(peers.output_of(command).splitlines()[-1])


def figures_of(ours):
    cases = {(c["depth"], c["sequences"], c["rows"]): c["tok_s"] for c in ours["decode"]}
    return {"prefill": ours["prefill_tok_s"], "prefill_share": ours["prefill_share"], "decode": ours["decode_tok_s"],
            "decode_share": ours["decode_share"], "deep": cases[(DEPTH, 1, 1)], "many": cases[(0, SEQUENCES, 1)]}


def one_round(options, model, proxies, cost):
    """cost: bytes of a token that is written, multiply-adds of one that is read; of the proxy, and those that Nestor counts."""
    ours = nestor(options, model, "exact")
    result = {"nestor": figures_of(ours)}
    if options.weights == "bf16" and ours["bf16_ops_per_s"] > 0:
        result["nestor, rounded"] = figures_of(nestor(options, model, "bf16"))
    executed = sum(ours[f"prefill_{kind}_products"] for kind in ("code", "rounded", "float")) / PROMPT
    peak = ours["bf16_ops_per_s" if options.weights == "bf16" else "int8_ops_per_s"] or ours["fp32_ops_per_s"]
    for peer in proxies:
        theirs = {"prefill": peer.prefill(options.gguf, PROMPT), "decode": peer.decode(options.gguf, 0),
                  "deep": peer.decode(options.gguf, DEPTH), "many": peer.batched(options.gguf, SEQUENCES)}
        theirs["prefill_share"] = 2 * cost["products"] * theirs["prefill"] / peak
        theirs["prefill"] *= cost["products"] / executed
        theirs["decode_share"] = cost["bytes"] * theirs["decode"] / ours["dram_read_bytes_per_s"]
        result[peer.name] = theirs
    return result


def table(rounds):
    """Medians, and the ratio of Nestor to each peer by round."""
    columns = ["prefill", "decode", "deep", "many", "prefill_share", "decode_share"]
    print(f"{'':<16}" + "".join(f"{c:>15}" for c in columns))
    medians = {}
    for name in rounds[0]:
        values = {c: [r[name][c] for r in rounds if r[name][c] is not None] for c in columns}
        medians[name] = {c: statistics.median(v) if v else None for c, v in values.items()}
        print(f"{name:<16}" + "".join(f"{'-' if v is None else format(v, '.3g'):>15}" for v in medians[name].values()))
    for name in rounds[0]:
        if not name.startswith("nestor"):
            ratios = {c: [r["nestor"][c] / r[name][c] for r in rounds] for c in columns[:4]}
            print(f"Nestor / {name:<7}" + "".join(f"{min(v):>8.2f}-{max(v):<6.2f}" for v in ratios.values()))
    return medians


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", required=True, help="the folder of build_peers")
    parser.add_argument("--config")
    parser.add_argument("--weights", choices=["q4", "q8", "bf16"], default="q4")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--busy", type=int, default=0)
    parser.add_argument("--nestor", default="build/release/bin/nestor")
    parser.add_argument("--folder", help="where the models are kept (default: a temporary one)")
    options = parser.parse_args()
    config = json.load(open(options.config)) if options.config else LITE
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or temporary
        model, options.gguf = os.path.join(folder, options.weights), os.path.join(folder, options.weights + ".gguf")
        shape = os.path.join(folder, "shape.json")
        os.makedirs(folder, exist_ok=True)
        json.dump(config, open(shape, "w"))
        if not os.path.exists(model):
            formats = [] if options.weights == "bf16" else ["--weights", options.weights, "--tables", options.weights]
            peers.output_of([options.nestor, "new", "--preset", shape, *formats, model])
        if not os.path.exists(options.gguf):
            proxy.write(config, options.weights, options.gguf)
        cost = {"bytes": proxy.bytes_per_token(config, options.weights),
                "products": proxy.products_per_token(config, options.weights)}
        print(f"proxy: {cost['bytes'] / 1e6:.0f} MB and {cost['products'] / 1e6:.0f} million multiply-adds a token", flush=True)
        proxies = [peers.Peer(name, os.path.join(options.peers, name), options.threads, options.tokens)
                   for name in peers.OPTIONS if os.path.isdir(os.path.join(options.peers, name))]
        others = [multiprocessing.get_context("spawn").Process(target=busy, daemon=True) for _ in range(options.busy)]
        for other in others:
            other.start()
        rounds = []
        for number in range(options.rounds):
            rounds.append(one_round(options, model, proxies, cost))
            for name, speeds in rounds[-1].items():
                print(f"round {number + 1} {name:<16}" + "".join(
                    f"  {k} {'-' if v is None else format(v, '.3g')}" for k, v in speeds.items()), flush=True)
        for other in others:
            other.kill()
    print(json.dumps({"bench": "compare", "weights": options.weights, "threads": options.threads, "busy": options.busy,
                      "rounds": rounds, "median": table(rounds)}))


if __name__ == "__main__":
    main()
