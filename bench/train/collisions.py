#!/usr/bin/env python3
"""How many n-grams of a text share a row of a table, for several ratios: what a choice of
`ngram_vocab_size_ratio` costs. Reads token ids (16 bit) as `nestor data` packs them.

  collisions.py train-00000.ids --vocab 4096 --ratios 6.5,12,12.37 [--shuffle]

Printed for the two 2-gram tables of N = 4, K = 2 (rows ratio V + 1 and + 3), beside a random hash:
  colliding  distinct 2-grams minus distinct rows, over what random hashing would give
  own        share of the text's positions at which the row's most frequent 2-gram is the one that stands there
  both       share of positions at which this holds in at least one table
--shuffle renames the tokens at random first (special tokens 0-15 stay)."""

import argparse

import numpy as np


def table_view(rows, counts, total):
    """Most frequent 2-gram of each row, as a mask over the 2-grams."""
    order = np.lexsort((-counts, rows))
    first = np.ones(len(order), bool)
    first[1:] = rows[order][1:] != rows[order][:-1]
    best = np.zeros(len(rows), bool)
    best[order[first]] = True
    return best, counts[best].sum() / total, first.sum()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ids")
    parser.add_argument("--vocab", type=int, required=True)
    parser.add_argument("--ratios", default="6,6.5,7,8,10,12,12.37,13,16")
    parser.add_argument("--eos", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=8_000_000)
    parser.add_argument("--shuffle", action="store_true")
    options = parser.parse_args()
    vocab, rng = options.vocab, np.random.default_rng(1)
    ids = np.fromfile(options.ids, np.uint16)[: options.tokens].astype(np.int64)
    if options.shuffle:
        names = np.concatenate((np.arange(16), 16 + rng.permutation(vocab - 16)))
        ids = names[ids]
    before = np.where(ids[:-1] == options.eos, 0, ids[:-1])
    keys, counts = np.unique(ids[1:] + before * vocab, return_counts=True)
    n, total = len(keys), counts.sum()
    print(f"{len(ids)} tokens, {n} distinct 2-grams")
    for ratio in map(float, options.ratios.split(",")):
        views = []
        for i in range(2):
            size = int(ratio * vocab + 2 * i + 1)
            best, own, used = table_view(keys % size, counts, total)
            expected = n - size * -np.expm1(n * np.log1p(-1 / size))
            views.append((best, own, (n - used) / expected))
        random, random_own, _ = table_view(rng.integers(0, int(ratio * vocab), n), counts, total)
        both = counts[views[0][0] | views[1][0]].sum() / total
        other, _, _ = table_view(rng.integers(0, int(ratio * vocab), n), counts, total)
        print(f"ratio {ratio:g}: colliding {views[0][2]:.3f} {views[1][2]:.3f}, own {views[0][1]:.3f} {views[1][1]:.3f} "
              f"(random {random_own:.3f}), both {both:.3f} (random {counts[random | other].sum() / total:.3f})", flush=True)


if __name__ == "__main__":
    main()
