#!/usr/bin/env python3
"""What quantization costs on a text: weights, tables, and the tables of each n-gram order alone.

    bench/quantization/curve.py [--nestor build/release/bin/nestor] [--model assets/story]
        [--text tests/data/golden/story/expected/heldout.txt] [--only PART]

Every row converts the model to a scratch folder and measures it against the model itself with `nestor eval --against`:
perplexity change, divergence in nats per token, agreement of the most likely token. Prints Markdown tables; the last
line is one JSON object with all rows.
"""
import argparse
import json
import math
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE_FORMATS = ["q8", "q6", "q5", "q4", "q3", "q2"]


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nestor", default=str(ROOT / "build/release/bin/nestor"))
    parser.add_argument("--model", default=str(ROOT / "assets/story"))
    parser.add_argument("--text", default=str(ROOT / "tests/data/golden/story/expected/heldout.txt"))
    parser.add_argument("--kernels", default="auto")
    parser.add_argument("--only", default="", help="presets, weights, tables or orders")
    return parser.parse_args()


class Lab:
    def __init__(self, args):
        self.args = args
        self.rows = []

    def measure(self, part, label, options, bits=None):
        folder = tempfile.mkdtemp(prefix="nestor-curve-")
        try:
            target = f"{folder}/q"
            subprocess.run([self.args.nestor, "convert", self.args.model, target, *options],
                           check=True, capture_output=True)
            out = subprocess.run([self.args.nestor, "eval", target, "--text", self.args.text, "--against",
                                  self.args.model, "--json", "--kernels", self.args.kernels],
                                 check=True, capture_output=True, text=True).stdout
            row = json.loads(out)
            row.update(part=part, label=label, options=options, bits=bits,
                       bytes=sum(f.stat().st_size for f in Path(target).glob("*.safetensors")))
            self.rows.append(row)
            bits_text = "" if bits is None else f"{bits:.2f}"
            print(f"| {label} | {bits_text} | {100 * row['perplexity_change']:+.3f} % | {row['divergence']:.5f} | "
                  f"{100 * row['agreement']:.2f} % |", flush=True)
        finally:
            shutil.rmtree(folder)

    def heading(self, title):
        print(f"\n{title}\n\n| | bits a value | perplexity | divergence | agreement |\n|---|---|---|---|---|", flush=True)


def record_bits(fmt, width):
    """Bits of a value of a table row, scales and the unused end of pages included."""
    bits = int(fmt[1:])
    record = 2 * math.ceil(width / 32) + math.ceil(width * bits / 8)
    return 8 * 4096 / (4096 // record) / width if record <= 4096 else 8 * record / width


def main():
    args = arguments()
    lab = Lab(args)
    config = json.loads((Path(args.model) / "config.json").read_text())
    splits, order = config["emb_split_num"], config["emb_neighbor_num"]
    width = config["hidden_size"] // (splits * (order - 1))

    def wanted(part):
        return args.only in ("", part)

    if wanted("presets"):
        lab.heading("Weights and tables together")
        for weights, tables in (("q8", "q8"), ("q8", "q4"), ("q4", "q8"), ("q4", "q4")):
            for scales in ("search", "absmax"):
                lab.measure("presets", f"weights {weights}, tables {tables}, {scales}",
                            ["--weights", weights, "--tables", tables, "--scales", scales])
        lab.measure("presets", "everything at 4 bits, absmax",
                    ["--weights", "q4", "--tables", "q4", "--scales", "absmax", "--keep", "*_proj*=q4", "--keep",
                     "lm_head*=q4", "--keep", "*post_projs*=q4"])
        lab.measure("presets", "everything at 4 bits, search",
                    ["--weights", "q4", "--tables", "q4", "--keep", "*_proj*=q4", "--keep", "lm_head*=q4", "--keep",
                     "*post_projs*=q4"])
    if wanted("weights"):
        lab.heading("Weights alone, tables in bf16")
        for fmt, bits in (("q8", 8.25), ("q4", None)):
            for scales in ("search", "absmax"):
                lab.measure("weights", f"{fmt}, {scales}", ["--weights", fmt, "--scales", scales], bits)
    if wanted("tables"):
        lab.heading("All tables alone, weights in bf16")
        for scales in ("search", "absmax"):
            for fmt in TABLE_FORMATS:
                lab.measure("tables", f"{fmt}, {scales}", ["--tables", fmt, "--scales", scales],
                            record_bits(fmt, width))
    if wanted("orders"):
        groups = [("the word table", ["model.embed_tokens*"])]
        for n in range(2, order + 1):
            first = (n - 2) * splits
            groups.append((f"the tables of {n}-grams",
                           [f"*ngram_embeddings.embedders.{i}.*" for i in range(first, first + splits)]))
        groups.append(("all n-gram tables", ["*ngram_embeddings.embedders.*"]))
        for name, patterns in groups:
            lab.heading(f"Only {name}, all else in bf16")
            for fmt in TABLE_FORMATS:
                keep = [option for p in patterns for option in ("--keep", f"{p}={fmt}")]
                row_width = config["hidden_size"] if "word" in name else width
                lab.measure("orders", f"{name}, {fmt}", keep, record_bits(fmt, row_width))
    print(json.dumps({"bench": "quantization", "model": args.model, "rows": lab.rows}))


if __name__ == "__main__":
    main()
