#!/usr/bin/env python3
"""Encodes one text with Nestor and with Hugging Face tokenizers, in turns, one thread each, and compares ids and speed.

  pip install tokenizers==0.22.2
  python3 bench/tokenizer/compare.py --program build/release/bin/bench_tokenizer_encode \
      --tokenizer tests/data/tokenizer/longcat/tokenizer.json --text TEXT [--rounds 3]

TEXT is a UTF-8 file, for a steady figure of about 10 MB. The last line is JSON; a ratio above 1 means that Nestor is faster.
"""
import argparse
import json
import os
import statistics
import subprocess
import time

# Before the import: the library reads them when it loads.
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
import tokenizers  # noqa: E402


def encode_with_reference(tokenizer, text):
    start = time.perf_counter()
    count = len(tokenizer.encode(text, add_special_tokens=False).ids)
    return len(text.encode()) / 1e6 / (time.perf_counter() - start), count


def encode_with_nestor(arguments):
    command = [arguments.program, arguments.tokenizer, arguments.text, "1"]
    line = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    result = json.loads(line)
    return result["mb_per_s"], result["tokens"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    reference = tokenizers.Tokenizer.from_file(arguments.tokenizer)
    with open(arguments.text, encoding="utf-8", newline="") as file:
        text = file.read()
    ours, theirs = [], []
    for number in range(arguments.rounds):
        rate, our_count = encode_with_nestor(arguments)
        ours.append(rate)
        rate, their_count = encode_with_reference(reference, text)
        theirs.append(rate)
        print(f"round {number + 1}: nestor {ours[-1]:.2f} MB/s, tokenizers {theirs[-1]:.2f} MB/s")
        if our_count != their_count:
            raise SystemExit(f"different numbers of tokens: nestor {our_count}, tokenizers {their_count}")
    nestor, hugging_face = statistics.median(ours), statistics.median(theirs)
    print(json.dumps({
        "nestor_mb_per_s": round(nestor, 2),
        "tokenizers_mb_per_s": round(hugging_face, 2),
        "ratio": round(nestor / hugging_face, 2),
        "tokens": our_count,
        "tokenizers_version": tokenizers.__version__,
    }))


if __name__ == "__main__":
    main()
