"""Reports in headless Chromium: python reports.py PROGRAM FOLDER PAGE...; screenshots go to FOLDER

The pages, and one that PROGRAM report makes of two made-up runs, at three widths, light and dark: nothing is wider than the screen, text stands out from what is behind it, every plot
has a title, a text and a table whose summary opens with the keyboard, no two labels of an axis lie on each other, and the page
asks nothing of anybody.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

program, folder, pages = sys.argv[1], Path(sys.argv[2]), [Path(page) for page in sys.argv[3:]]
folder.mkdir(parents=True, exist_ok=True)
faults = []


def made_up_runs(scratch):
    """A page of two runs of 3,000 steps with everything that nestor train reports."""
    for number, name in enumerate(("first", "second")):
        lines = []
        for step in range(10, 3001, 10):
            lines.append({"step": step, "loss": 9 / math.log(step) + 0.1 * math.sin(step + number), "expert_load": 4 + number,
                          "gradient_norm": 30 / step, "identity_share": 0.2, "tokens_per_second": 20000 + 3000 * math.sin(step),
                          "resident_bytes": 1.5e9})
            if step % 500 == 0:
                lines.append({"step": step, "heldout_nll_per_token": 9.5 / math.log(step), "heldout_bits_per_byte": 5 / math.log(step),
                              "norms": [{"name": f"{layer} {branch}", "branch": 1 + layer, "stream": 3.0}
                                        for layer in range(2) for branch in ("attn 0", "mlp 0", "attn 1", "mlp 1", "experts")]})
        (scratch / name).mkdir()
        (scratch / name / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    page = scratch / "runs.html"
    subprocess.run([program, "report", scratch / "first", scratch / "second", "--out", page], check=True, stderr=subprocess.DEVNULL)
    return page


# WCAG 2.1: contrast of each text with the page behind it, where nothing but the page is behind.
CONTRAST = """() => {
  const parse = c => c.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = c => { const [r, g, b] = parse(c).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                       return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const page = light(getComputedStyle(document.body).backgroundColor);
  const low = [];
  for (const e of document.querySelectorAll('p,td,th,h1,h2,summary,figcaption,.badge,svg text,svg .marker')) {
    const style = getComputedStyle(e);
    const own = light(e instanceof SVGElement ? style.fill : style.color);
    const ratio = (Math.max(own, page) + 0.05) / (Math.min(own, page) + 0.05);
    const least = e.classList.contains('marker') ? 3 : 4.5;
    if (ratio < least) low.push(e.tagName + ' ' + e.textContent.slice(0, 20) + ' ' + ratio.toFixed(2));
  }
  return low;
}"""

OVERLAPS = """() => {
  const bad = [];
  for (const svg of document.querySelectorAll('svg.plot')) {
    const boxes = [...svg.querySelectorAll('text')].map(t => [t, t.getBoundingClientRect()]);
    boxes.forEach(([a, x], i) => boxes.slice(i + 1).forEach(([b, y]) => {
      const wide = Math.min(x.right, y.right) - Math.max(x.left, y.left);
      const high = Math.min(x.bottom, y.bottom) - Math.max(x.top, y.top);
      if (wide > 2 && high > 3) bad.push(svg.querySelector('title').textContent + ': ' + a.textContent + ' | ' + b.textContent);
    }));
  }
  return bad;
}"""

OUTSIDE = """() => [...document.querySelectorAll('svg.plot')].flatMap(svg => {
  const page = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text,path,circle')].filter(e => { const b = e.getBoundingClientRect();
    return b.left < page.left - 1 || b.right > page.right + 1 || b.top < page.top - 1 || b.bottom > page.bottom + 1; })
    .map(e => svg.querySelector('title').textContent + ': ' + e.outerHTML.slice(0, 80)); })"""


def check(page, name):
    def expect(good, what):
        if not good:
            faults.append(f"{name}: {what}")

    expect(not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"), "wider than the screen")
    for query, what in ((CONTRAST, "little contrast"), (OVERLAPS, "labels on each other"), (OUTSIDE, "outside of its plot")):
        found = page.evaluate(query)
        expect(not found, f"{what}: {found[:4]}")
    figures = page.locator("figure")
    expect(figures.count() > 0, "no plots")
    for i in range(figures.count()):
        figure = figures.nth(i)
        title = figure.locator("figcaption").inner_text()
        svg = figure.locator("svg[role=img]")
        expect(svg.count() == 1 and len(svg.locator("desc").text_content()) > 20, f"{title}: no text alternative")
        figure.locator("summary").focus()
        page.keyboard.press("Enter")
        expect(figure.locator("tbody tr").count() > 0 and figure.locator("table").is_visible(), f"{title}: no table")
        page.keyboard.press("Enter")


with tempfile.TemporaryDirectory() as scratch, sync_playwright() as p:
    pages.append(made_up_runs(Path(scratch)))
    browser = p.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"] if os.geteuid() == 0 else [])
    for file in pages:
        for width in (360, 820, 1440):
            for scheme in ("light", "dark"):
                context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
                page = context.new_page()
                page.on("request", lambda r: r.url.startswith("file:") or faults.append(f"asked {r.url}"))
                page.on("console", lambda m: m.type == "error" and faults.append(f"console {m.text}"))
                page.on("pageerror", lambda e: faults.append(f"error {e}"))
                page.goto(file.resolve().as_uri())
                name = f"{file.parent.name}_{file.stem}_{width}_{scheme}"
                page.screenshot(path=folder / f"{name}.png", full_page=True)
                check(page, name)
                context.close()
    version = browser.version
    browser.close()
assert not faults, "\n".join(faults)
print("passed the reports; Chromium", version)
