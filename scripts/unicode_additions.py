#!/usr/bin/env python3
"""Writes src/tokenizer/unicode_additions.cpp: which characters Unicode 15, 15.1 and 16 added to the general categories
and, of scripts, to Han. Needs Python 3.11, whose own tables are Unicode 14, and PyPI's unicodedata2==16.0.0.

    scripts/unicode_additions.py >src/tokenizer/unicode_additions.cpp
"""
import unicodedata
import unicodedata2

assert unicodedata.unidata_version == "14.0.0" and unicodedata2.unidata_version == "16.0.0"


def ranges(points):
    out = []
    for c in points:
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return "".join(rf"\x{{{a:X}}}" + (rf"-\x{{{b:X}}}" if b > a else "") for a, b in out)


added = {}
for c in range(0x110000):
    category = unicodedata2.category(chr(c))
    if category != unicodedata.category(chr(c)):
        added.setdefault(category, []).append(c)
        if unicodedata2.name(chr(c), "").startswith("CJK UNIFIED IDEOGRAPH"):
            added.setdefault("Han", []).append(c)

print('''// Written by scripts/unicode_additions.py. Do not edit.
#include "tokenizer/unicode_additions.h"

#include <array>
#include <utility>

namespace nestor::tokenizer {
namespace {

// clang-format off
constexpr std::array kAdditions = {''')
for name, points in sorted(added.items()):
    text = ranges(points)
    lines = []
    while text:
        cut = len(text) if len(text) <= 96 else text.rfind("\\x", 0, 96)
        while cut < len(text) and text[cut - 1] == "-":
            cut = text.rfind("\\x", 0, cut - 1)
        lines.append(f'        R"({text[:cut]})"')
        text = text[cut:]
    body = "\n".join(lines)
    print(f'    std::pair<std::string_view, std::string_view>{{"{name}",\n{body}}},')
print('''};
// clang-format on

}  // namespace

std::string additions_to(std::string_view category) {
  std::string out;
  for (const auto& [name, characters] : kAdditions) {
    const bool inside = category.size() == 1 && name.size() == 2 && name.front() == category.front();
    if (inside || name == category) out += characters;
  }
  return out;
}

}  // namespace nestor::tokenizer''')
