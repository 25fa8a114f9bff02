#!/usr/bin/env python3
"""Draws docs/plots/*.svg from what is filed in bench/results and docs/quantization.md: plots.py [--check]

Nothing is typed in here: every number is read from the tables and JSON lines of those pages. --check draws nothing and
fails where a plot is not what the pages say. The SVGs follow the reader's light or dark scheme.
"""

import json
import math
import re
import sys
from html import escape
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results"
STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.small { font-size: 11px; fill: #57606a } .title { font-weight: 600 }
.a { fill: #2f6fde } .b { fill: #9aa4b0 } .c { fill: #d1861f } .d { fill: #2d9d5c }
.grid { stroke: #8b949e; stroke-opacity: .3 } .line { fill: none; stroke-width: 2 }
.line.a { stroke: #2f6fde } .line.b { stroke: #9aa4b0 } .line.c { stroke: #d1861f } .line.d { stroke: #2d9d5c }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .small { fill: #9da7b3 } }
</style>"""


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def table(page, head):
    """The rows of the table of a page whose head line contains `head`, by their first cell."""
    lines = page.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("|") and head in line)
    rows = {}
    for line in lines[at + 2:]:
        if not line.startswith("|"):
            return rows
        first, *rest = cells(line)
        rows[first] = rest
    return rows


def numbers(cell):
    """52.0 and 58.3 of "52.0, 58.3 (93 %)": what stands before a percent sign is a share and no number here."""
    return [float(text) for text in re.findall(r"(\d+(?:\.\d+)?)(?![\d.]*\s*%)", re.sub(r"\([^)]*\)", "", cell))]


def json_line(name):
    text = (RESULTS / name).read_text()
    return json.loads(re.search(r"^\{.*\}$", text, re.M).group())


def text_at(x, y, text, kind="", anchor="start"):
    return f'<text x="{x:g}" y="{y:g}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'


def picture(width, height, title, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img" aria-label="{escape(title)}">\n'
            + "\n".join([STYLE, text_at(10, 20, title, "title"), *parts, "</svg>\n"]))


def bars(title, groups, unit):
    """groups: (name, [(label, value, class), ...]); each group has a scale of its own."""
    parts, y = [], 44
    for name, entries in groups:
        parts.append(text_at(10, y, name, "small"))
        most = max(value for _, value, _ in entries)
        for label, value, kind in entries:
            y += 20
            length = 330 * value / most
            parts.append(text_at(178, y, label, anchor="end"))
            parts.append(f'<rect x="186" y="{y - 12}" width="{length:.1f}" height="15" rx="2" class="{kind}"/>')
            parts.append(text_at(192 + length, y, f"{value:,.{0 if value >= 100 else 1}f} {unit}"))
        y += 30
    return picture(640, y - 10, title, parts)


def dots(title, rows, low, high, unit):
    """rows: (label, values, class) on one scale."""
    parts, y = [], 34
    at = lambda value: 180 + 430 * (value - low) / (high - low)
    for label, values, kind in rows:
        y += 26
        parts.append(text_at(168, y + 4, label, anchor="end"))
        parts.append(f'<line x1="180" x2="610" y1="{y}" y2="{y}" class="grid"/>')
        parts += [f'<circle cx="{at(value):.1f}" cy="{y}" r="5" class="{kind}"/>' for value in values]
    for i in range(4):
        value = low + (high - low) * i / 3
        parts.append(text_at(at(value), y + 28, f"{value:.2f}", "small", "middle"))
    parts.append(text_at(140, y + 28, unit, "small", "end"))
    return picture(640, y + 40, title, parts)


def curves(title, lines, across, upwards):
    """lines: (label, [(x, y), ...], class), y on a logarithmic scale."""
    xs = [x for _, points, _ in lines for x, _ in points]
    ys = [math.log10(y) for _, points, _ in lines for _, y in points]
    bottom, top = math.floor(min(ys)), math.ceil(max(ys))
    px = lambda x: 80 + 400 * (max(xs) - x) / (max(xs) - min(xs))
    py = lambda y: 50 + 220 * (top - math.log10(y)) / (top - bottom)
    parts = [text_at(10, 40, upwards, "small"), text_at(280, 312, across, "small", "middle")]
    for power in range(bottom, top + 1):
        y = py(10.0**power)
        parts.append(f'<line x1="80" x2="480" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        parts.append(text_at(72, y + 4, f"{10.0**power:.{max(-power, 0)}f}", "small", "end"))
    parts += [text_at(px(x), 290, f"{x:g}", "small", "middle") for x in sorted(set(xs))]
    for label, points, kind in lines:
        path = " ".join(f"{px(x):.1f},{py(y):.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" class="line {kind}"/>')
        parts += [f'<circle cx="{px(x):.1f}" cy="{py(y):.1f}" r="3.5" class="{kind}"/>' for x, y in points]
        parts.append(text_at(490, py(points[-1][1]) + 4, label))
    return picture(640, 322, title, parts)


def beside_llama_cpp():
    rows = table(RESULTS / "streams_2026-11-27_xeon-emerald-rapids-amx.md", "| | prompt | decode |")
    columns = {"prompt of 512": 0, "one sequence": 1, "one sequence, 2,048 tokens deep": 3, "16 sequences": 4}
    engines = (("Nestor", "a"), ("llama.cpp", "b"))
    groups = [(name, [(engine, median(numbers(rows[engine][at])), kind) for engine, kind in engines])
              for name, at in columns.items()]
    return bars("Beside llama.cpp: two layers of Lite's shape, q4, two threads of a Xeon", groups, "tok/s")


def by_format():
    rows = table(RESULTS / "streams_2026-12-01_epyc-zen4.md", "| | old | new |")
    formats = (("q4", "a"), ("q8", "c"), ("bf16", "b"))
    groups = [(threads, [(name, median(numbers(rows[f"{name}, {threads}"][1])), kind) for name, kind in formats])
              for threads in ("1 thread", "2 threads")]
    return bars("One sequence by number format: two layers of Lite's shape, AMD Zen 4", groups, "tok/s")


def tables_against_experts():
    score = json_line("ngram_vs_moe_2026-11-26_xeon-emerald-rapids.md")["bits_per_byte"]
    return dots("Bits per byte, held out: as many parameters, three seeds",
                [("n-gram tables", score["ngram"], "a"), ("more experts", score["moe"], "b")], 1.65, 1.80, "bits per byte")


def training():
    groups = []
    for machine, name in (("Xeon, two threads", "train_peer_2026-11-26_xeon-emerald-rapids.md"),
                          ("Xeon with AMX, one thread", "train_peer_2026-11-26_xeon-emerald-rapids-amx.md")):
        speeds = json_line(name)["tokens_per_second"]
        kinds = {"nestor": ("Nestor", "a"), "compiled bf16": ("PyTorch compiled, bf16", "c"),
                 "eager bf16": ("PyTorch eager, bf16", "b"), "eager f32": ("PyTorch eager, f32", "b")}
        groups.append((machine, [(label, median(speeds[key]), kind)
                                 for key, (label, kind) in kinds.items() if key in speeds]))
    return bars("Training tokens a second: the recipe story", groups, "tok/s")


def bits_of_tables():
    rows = table(ROOT / "docs" / "quantization.md", "| divergence | bits | word table | 2-grams | 3-grams | 4-grams |")
    bits = {name: int(name.strip("`q")) for name in rows}  # with 8 the divergence has one digit
    kinds = (("word table", 1, "b"), ("2-grams", 2, "a"), ("3-grams", 3, "c"), ("4-grams", 4, "d"))
    points = lambda at: [(bits[name], float(row[at])) for name, row in rows.items() if bits[name] < 8]
    lines = [(label, points(at), kind) for label, at, kind in kinds]
    return curves("What fewer bits for one kind of table cost", lines, "bits of a value", "divergence from bfloat16, nats a token")


PLOTS = {"llama_cpp": beside_llama_cpp, "formats": by_format, "tables_against_experts": tables_against_experts,
         "training": training, "bits_of_tables": bits_of_tables}


def main(check):
    folder = ROOT / "docs" / "plots"
    stale = []
    for name, draw in PLOTS.items():
        path, svg = folder / f"{name}.svg", draw()
        if not check:
            folder.mkdir(exist_ok=True)
            path.write_text(svg)
        elif not path.exists() or path.read_text() != svg:
            stale.append(str(path.relative_to(ROOT)))
    if stale:
        sys.exit(f"not what the pages say: {', '.join(stale)}; run bench/plots.py")


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit("usage: plots.py [--check]")
    main(check=sys.argv[1:] == ["--check"])
