#!/usr/bin/env python3
"""Makes the texts of the bundled model that the documents print anew: scripts/sample_texts.py [PROGRAM]

Runs every documented `$ nestor run` of the bundled model and puts its text where the old one stood. The lines of speed
stay as they are, since they were measured; so do --json and other models.
"""
import pathlib
import re
import shlex
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parent.parent
program = sys.argv[1] if len(sys.argv) > 1 else root / "build/release/bin/nestor"


def arguments(command):
    """Of `nestor run` where the bundled model writes a text, else nothing."""
    if not command.startswith(("nestor run -", "build/examples/embed assets/story ")):
        return None
    words = shlex.split(command)
    if words[0] != "nestor":
        return ["-p", words[2], "-n", "60", "--seed", "7"]
    return None if "--json" in words else words[2:]


def text(given):
    done = subprocess.run([program, "run", str(root / "assets/story"), *given], capture_output=True, text=True)
    return None if done.returncode else done.stdout.rstrip("\n").split("\n")


def renewed(lines):
    out, old = [], False
    for line in lines:
        if old and not re.match(r"```|\$ |prompt: \d+ tokens", line):
            continue  # of the text that was there
        old = False
        out.append(line)
        given = arguments(line[2:]) if line.startswith("$ ") else None
        if given and (found := text(given)):  # some commands show an error
            out += found
            old = True
    return out


for document in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
    lines = document.read_text().split("\n")
    fresh = renewed(lines)
    if fresh == lines:
        continue
    document.write_text("\n".join(fresh))
    print(document.relative_to(root), "has other texts")
