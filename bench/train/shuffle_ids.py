#!/usr/bin/env python3
"""Renumbers the tokens of a byte-level BPE tokenizer.json at random; added tokens keep their ids.

  shuffle_ids.py tokenizer.json shuffled.json [--seed 5]

Merges keep their order, so texts are cut as before. Why: BPE numbers frequent tokens low, and with a table of r V + 1 rows
(r whole) 2-grams of low tokens then meet in few rows; see collisions.py."""

import argparse
import json
import random


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tokenizer")
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    tokenizer = json.load(open(options.tokenizer))
    added = {token["id"] for token in tokenizer["added_tokens"]}
    vocab = tokenizer["model"]["vocab"]
    free = sorted(i for i in vocab.values() if i not in added)
    renamed = dict(zip(free, random.Random(options.seed).sample(free, len(free))))
    vocab = {token: renamed.get(i, i) for token, i in vocab.items()}
    tokenizer["model"]["vocab"] = dict(sorted(vocab.items(), key=lambda item: item[1]))
    with open(options.out, "w") as out:
        json.dump(tokenizer, out, ensure_ascii=False, indent=2)


if __name__ == "__main__":
    main()
