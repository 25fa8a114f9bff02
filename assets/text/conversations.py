#!/usr/bin/env python3
"""Cuts some of the books into conversations, so that a model trained on them knows what the control tokens of a chat
mean: somebody asks for a story about a thing, and the answer is a passage in which that thing matters. Standard library
only; the same books give the same conversations.

  conversations.py books.jsonl.xz > conversations.jsonl"""

import collections
import json
import lzma
import math
import random
import re
import sys

SHARE = 0.03  # of the text
OPENINGS = ["Tell me a story about {}.", "Tell me about {}.", "Please tell me a story about {}!", "A story about {}, please.",
            "Write a story about {}.", "Can you tell me something about {}?", "I should like to hear about {}.",
            "What do you know about {}?"]
PLAIN = ["Tell me a story.", "Hello! Tell me something.", "Please go on with the story.", "Once upon a time"]
ONWARDS = ["Go on.", "And then?", "What happened then?", "Please go on.", "More, please."]
SYSTEM = ["You are a teller of old stories.", "You tell stories from old books.", "Answer with a story."]
NOUN = re.compile(r"\b(?:a|an|the) ([a-z]{3,14})\b")
NAME = re.compile(r"(?<=[a-z,;] )([A-Z][a-z]{2,12})\b")
NOT_NAMES = {"But", "And", "The", "You", "That", "Not", "God", "Mrs", "Miss", "Sir", "Lord", "Lady", "English", "French", "Oh"}


def subjects(text):
    return collections.Counter(NOUN.findall(text)), collections.Counter(n for n in NAME.findall(text) if n not in NOT_NAMES)


def subject(text, rarity, chance):
    """What the passage is about: a name, or the noun that is most frequent here and rarest elsewhere."""
    nouns, names = subjects(text)
    if names and names.most_common(1)[0][1] >= 3 and chance.random() < 0.5:
        return names.most_common(1)[0][0]
    scored = sorted(((count * rarity(noun), noun) for noun, count in nouns.items() if count >= 2), reverse=True)
    if not scored:
        return None
    noun = scored[0][1]
    article = "an" if noun[0] in "aeiou" else "a"
    return f"{article} {noun}" if f" {article} {noun} " in text and chance.random() < 0.5 else f"the {noun}"


def passages(text, chance):
    """Whole paragraphs in a row, 300 to 1200 bytes each."""
    wanted, passage = chance.randint(300, 900), ""
    for paragraph in text.split("\n\n"):
        passage += ("\n\n" if passage else "") + paragraph.strip()
        if len(passage) >= wanted:
            if len(passage) <= 1200:
                yield passage
            else:
                yield None
            wanted, passage = chance.randint(300, 900), ""


def conversation(parts, rarity, chance):
    about = subject(parts[0], rarity, chance)
    opening = chance.choice(OPENINGS).format(about) if about and chance.random() < 0.9 else chance.choice(PLAIN)
    messages = []
    if chance.random() < 0.15:
        messages.append({"role": "system", "content": chance.choice(SYSTEM)})
    for i, part in enumerate(parts):
        messages += [{"role": "user", "content": opening if i == 0 else chance.choice(ONWARDS)},
                     {"role": "assistant", "content": part}]
    return messages


def main():
    with lzma.open(sys.argv[1], "rt", encoding="utf-8") as file:
        chapters = [json.loads(line)["text"] for line in file]
    seen_in = collections.Counter()
    for text in chapters:
        seen_in.update(subjects(text)[0].keys())
    rarity = lambda noun: math.log(len(chapters) / (1 + seen_in[noun]))
    chance = random.Random(1)
    room = SHARE * sum(map(len, chapters))
    order = list(range(len(chapters)))
    chance.shuffle(order)
    for at in order:
        row = []
        for passage in passages(chapters[at], chance):
            if passage is None or chance.random() < 0.5:
                row = []
                continue
            row.append(passage)
            if chance.random() < 0.55 or len(row) == 3:
                print(json.dumps({"messages": conversation(row, rarity, chance)}, ensure_ascii=False))
                room -= sum(map(len, row))
                row = []
        if room < 0:
            return


if __name__ == "__main__":
    main()
