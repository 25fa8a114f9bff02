#!/usr/bin/env python3
"""Nestor and llama.cpp on matrices of the same shapes and formats, in turns in one run. Prints one JSON line last.

  python3 -m venv VENV && VENV/bin/pip install llama-cpp-python gguf numpy
  VENV/bin/python bench/llama_cpp/compare.py [--config CONFIG.json] [--weights q4] [--threads 2] [--rounds 3] [--busy 0]

Without --config the shape is LongCat-Flash-Lite's with two layers, 64 + 32 experts and a vocabulary of 32768. llama.cpp gets
them dressed as DeepSeek-2 (proxy.py). Shares are of what memory gave, or of the int8 peak, in Nestor's run of the same
round; --busy starts that many processes that only count."""

import argparse
import ctypes
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

import llama_cpp

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


class Peer:
    """llama.cpp through its C interface: what a token costs, without sampling and without Python's part of it."""

    def __init__(self, path, options):
        self.options = options
        llama_cpp.llama_backend_init()
        self.quiet = llama_cpp.llama_log_callback(lambda level, text, data: None)
        llama_cpp.llama_log_set(self.quiet, ctypes.c_void_p(0))
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), llama_cpp.llama_model_default_params())
        if not self.model:
            sys.exit(f"llama.cpp does not load {path}")
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = SEQUENCES * 512 + DEPTH
        parameters.n_batch = parameters.n_ubatch = PROMPT
        parameters.n_seq_max = SEQUENCES
        parameters.kv_unified = True
        parameters.n_threads = parameters.n_threads_batch = options.threads
        self.context = llama_cpp.llama_init_from_model(self.model, parameters)
        if not self.context:
            sys.exit("llama.cpp opens no context")
        self.batch = llama_cpp.llama_batch_init(PROMPT, 0, 1)
        self.random = random.Random(0)

    def forward(self, rows):
        """rows: (sequence, position); random tokens, logits of the last row of each sequence."""
        last = dict(rows)
        for i, (sequence, position) in enumerate(rows):
            self.batch.token[i] = self.random.randrange(self.options.vocabulary)
            self.batch.pos[i] = position
            self.batch.n_seq_id[i] = 1
            self.batch.seq_id[i][0] = sequence
            self.batch.logits[i] = last[sequence] == position
        self.batch.n_tokens = len(rows)
        start = time.perf_counter()
        if llama_cpp.llama_decode(self.context, self.batch) != 0:
            sys.exit("llama_decode failed")
        llama_cpp.llama_synchronize(self.context)
        return time.perf_counter() - start

    def clear(self):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)

    def prefill(self):
        best = float("inf")
        for _ in range(3):
            self.clear()
            best = min(best, self.forward([(0, i) for i in range(PROMPT)]))
        return PROMPT / best

    def decode(self, depth, sequences):
        self.clear()
        for begin in range(0, depth, PROMPT):
            for s in range(sequences):
                self.forward([(s, i) for i in range(begin, min(begin + PROMPT, depth))])
        steps = self.options.tokens
        times = [self.forward([(s, depth + i) for s in range(sequences)]) for i in range(steps + 2)]
        return sequences * steps / sum(times[2:])  # the first two warm up


def nestor(options, model):
    command = [options.nestor, "bench", model, "--threads", str(options.threads), "--prompt", str(PROMPT), "--depths",
               f"0,{DEPTH}", "--sequences", f"1,{SEQUENCES}", "-n", str(options.tokens), "--rounds", "3"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def one_round(options, model, peer, touched, products):
    ours = nestor(options, model)
    cases = {(c["depth"], c["sequences"], c["rows"]): c["tok_s"] for c in ours["decode"]}
    theirs = {"prefill": peer.prefill(), "decode": peer.decode(0, 1), "deep": peer.decode(DEPTH, 1),
              "many": peer.decode(0, SEQUENCES)}
    return {
        "nestor": {"prefill": ours["prefill_tok_s"], "prefill_share": ours["prefill_share"],
                   "decode": ours["decode_tok_s"], "decode_share": ours["decode_share"],
                   "deep": cases[(DEPTH, 1, 1)], "many": cases[(0, SEQUENCES, 1)]},
        "llama.cpp": theirs | {"prefill_share": 2 * products * theirs["prefill"] / ours["int8_ops_per_s"],
                               "decode_share": touched * theirs["decode"] / ours["dram_read_bytes_per_s"]},
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config")
    parser.add_argument("--weights", choices=["q4", "q8"], default="q4")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--busy", type=int, default=0)
    parser.add_argument("--nestor", default="build/release/bin/nestor")
    parser.add_argument("--folder", help="where the models are kept (default: a temporary one)")
    options = parser.parse_args()
    config = json.load(open(options.config)) if options.config else LITE
    options.vocabulary = config["vocab_size"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or temporary
        model, gguf_path = os.path.join(folder, options.weights), os.path.join(folder, options.weights + ".gguf")
        shape = os.path.join(folder, "shape.json")
        os.makedirs(folder, exist_ok=True)
        json.dump(config, open(shape, "w"))
        if not os.path.exists(model):
            subprocess.run([options.nestor, "new", "--preset", shape, "--weights", options.weights, "--tables",
                            options.weights, model], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if not os.path.exists(gguf_path):
            proxy.write(config, options.weights, gguf_path)
        touched = proxy.bytes_per_token(config, options.weights)
        products = proxy.products_per_token(config, options.weights)
        print(f"proxy: {touched / 1e6:.0f} MB and {products / 1e6:.0f} million multiply-adds a token", flush=True)
        peer = Peer(gguf_path, options)
        others = [multiprocessing.get_context("spawn").Process(target=busy, daemon=True) for _ in range(options.busy)]
        for other in others:
            other.start()
        rounds = []
        for number in range(options.rounds):
            rounds.append(one_round(options, model, peer, touched, products))
            for name, speeds in rounds[-1].items():
                print(f"round {number + 1} {name:<10}" + "".join(f"  {k} {v:.3g}" for k, v in speeds.items()), flush=True)
        for other in others:
            other.kill()
    medians = {name: {key: statistics.median(r[name][key] for r in rounds) for key in rounds[0][name]} for name in rounds[0]}
    print(json.dumps({"bench": "llama_cpp", "weights": options.weights, "threads": options.threads, "busy": options.busy,
                      "version": llama_cpp.__version__, "rounds": rounds, "median": medians}))


if __name__ == "__main__":
    main()
