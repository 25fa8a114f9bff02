// Characters to bytes: a CharDfa becomes an Automaton over UTF-8 with JSON's escapes, or over plain UTF-8.
#include <algorithm>
#include <deque>
#include <map>
#include <tuple>
#include <utility>

#include "grammar/char_dfa.h"

namespace nestor::grammar {
namespace {

enum class Form { json, plain };

// Between the bytes of one character: what its rest may be and where that leads.
struct Inside {
  enum class Kind {
    utf8,            // `digits` continuation bytes of 6 bits are to come
    escape,          // behind a backslash
    hex,             // `digits` hexadecimal digits are to come
    pair_backslash,  // behind the first half of a surrogate pair
    pair_u,
  } kind;
  int digits;
  std::vector<CharEdge> rest;  // value of what is to come -> character state, or kInside + place in the list
  friend bool operator<(const Inside& a, const Inside& b) {
    return std::tie(a.kind, a.digits, a.rest) < std::tie(b.kind, b.digits, b.rest);
  }
};

constexpr std::uint32_t kInside = 1U << 30;  // a target that is no character state but again inside

std::vector<CharEdge>::const_iterator find_edge(const std::vector<CharEdge>& edges, std::uint32_t from) {
  return std::lower_bound(edges.begin(), edges.end(), from,
                          [](const CharEdge& edge, std::uint32_t value) { return edge.last < value; });
}

class Writer {
 public:
  Writer(const CharDfa& content, Form form, Work& work)
      : content_(content), form_(form), work_(work), builder_(work, Work::Kind::texts) {}

  std::optional<Automaton> run(std::uint32_t min, std::uint32_t max) {
    if (content_.empty()) return std::nullopt;
    const bool quoted = form_ == Form::json;
    const std::uint32_t begin = quoted ? builder_.add_state() : 0;
    first_ = quoted ? 1 : 0;
    for (std::size_t i = 0; i < content_.states().size(); ++i) builder_.add_state();
    if (quoted) {
      closed_ = builder_.add_state();
      builder_.accept(closed_);
      builder_.edge(begin, '"', first_);
      builder_.count(min, max, closed_);
    }
    for (std::uint32_t i = 0; i < content_.states().size(); ++i) write_state(i);
    while (!waiting_.empty()) {
      const auto [inside, state] = waiting_.front();
      waiting_.pop_front();
      write_inside(*inside, state);
    }
    return builder_.build();
  }

 private:
  void write_state(std::uint32_t i) {
    const CharDfa::State& state = content_.states()[i];
    const std::uint32_t at = first_ + i;
    if (form_ == Form::json) {
      builder_.boundary(at);
      if (state.accepting) builder_.edge(at, '"', closed_);
      if (!state.edges.empty()) builder_.edge(at, '\\', enter({Inside::Kind::escape, 0, state.edges}));
    } else if (state.accepting) {
      builder_.accept(at);
    }
    for (std::uint32_t c = 0; c < 0x80; ++c) {
      const bool stands_for_itself = form_ == Form::json ? c >= 0x20 && c != '"' && c != '\\'
                                                         : c >= 0x20 || c == '\t' || c == '\n' || c == '\r';
      if (stands_for_itself) link(at, static_cast<unsigned char>(c), state.edges, c);
    }
    for (std::uint32_t b = 0xC2; b <= 0xDF; ++b) lead(at, b, state, (b & 0x1F) << 6, 1, 0);
    for (std::uint32_t b = 0xE0; b <= 0xEF; ++b) lead(at, b, state, (b & 0x0F) << 12, 2, 0x800);
    for (std::uint32_t b = 0xF0; b <= 0xF4; ++b) lead(at, b, state, (b & 0x07) << 18, 3, 0x10000);
  }

  void lead(std::uint32_t at, std::uint32_t byte, const CharDfa::State& state, std::uint32_t base, int digits,
            std::uint32_t least) {
    auto rest = slice(state.edges, base, 1U << (6 * digits), least);
    if (!rest.empty()) {
      builder_.edge(at, static_cast<unsigned char>(byte),
                    enter({Inside::Kind::utf8, digits, std::move(rest)}));
    }
  }

  void write_inside(const Inside& inside, std::uint32_t at) {
    switch (inside.kind) {
      case Inside::Kind::utf8:
        for (std::uint32_t i = 0; i < 64; ++i) digit(at, static_cast<unsigned char>(0x80 + i), i, 6, inside);
        return;
      case Inside::Kind::hex:
        for (std::uint32_t i = 0; i < 16; ++i) {
          digit(at, static_cast<unsigned char>("0123456789abcdef"[i]), i, 4, inside);
          digit(at, static_cast<unsigned char>("0123456789ABCDEF"[i]), i, 4, inside);
        }
        return;
      case Inside::Kind::escape:
        write_escape(inside.rest, at);
        return;
      case Inside::Kind::pair_backslash:
        builder_.edge(at, '\\', enter({Inside::Kind::pair_u, 0, inside.rest}));
        return;
      case Inside::Kind::pair_u:
        builder_.edge(at, 'u', enter({Inside::Kind::hex, 4, inside.rest}));
        return;
    }
  }

  void digit(std::uint32_t at, unsigned char byte, std::uint32_t value, int bits, const Inside& inside) {
    if (inside.digits == 1) return link(at, byte, inside.rest, value);
    const std::uint32_t size = 1U << (bits * (inside.digits - 1));
    auto rest = slice(inside.rest, value * size, size);
    if (!rest.empty()) builder_.edge(at, byte, enter({inside.kind, inside.digits - 1, std::move(rest)}));
  }

  void write_escape(const std::vector<CharEdge>& edges, std::uint32_t at) {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    for (std::size_t i = 0; i < kLetters.size(); ++i) {
      link(at, static_cast<unsigned char>(kLetters[i]), edges, static_cast<unsigned char>(kMeant[i]));
    }
    std::vector<CharEdge> units = slice(edges, 0, 0xD800);
    for (const CharEdge& pair : first_halves(edges)) units.push_back(pair);
    for (const CharEdge& edge : slice(edges, 0xE000, 0x2000)) {
      units.push_back({edge.first + 0xE000, edge.last + 0xE000, edge.to});
    }
    if (!units.empty()) builder_.edge(at, 'u', enter({Inside::Kind::hex, 4, std::move(units)}));
  }

  // D800 to DBFF, each with what may follow it: DC00 to DFFF.
  std::vector<CharEdge> first_halves(const std::vector<CharEdge>& edges) {
    std::vector<CharEdge> out;
    for (std::uint32_t half = 0, next = 0; half < 0x400; half = next) {
      const std::uint32_t begin = 0x10000 + (half << 10);
      const auto edge = find_edge(edges, begin);
      if (edge == edges.end()) break;
      // All the halves that lie in one edge, or before it, have the same.
      const std::uint32_t end = edge->first <= begin ? edge->last + 1 : edge->first;
      next = std::max(half + 1, (end - 0x10000) >> 10);
      std::vector<CharEdge> second = slice(edges, begin, 0x400);
      if (second.empty()) continue;
      for (CharEdge& part : second) {
        part.first += 0xDC00;
        part.last += 0xDC00;
      }
      const std::uint32_t to = kInside + enter({Inside::Kind::pair_backslash, 0, std::move(second)});
      if (!out.empty() && out.back().to == to && out.back().last + 1 == 0xD800 + half) {
        out.back().last = 0xD800 + next - 1;
      } else {
        out.push_back({0xD800 + half, 0xD800 + next - 1, to});
      }
    }
    return out;
  }

  // The part of the edges in [base, base + size), from `least` on, relative to base.
  std::vector<CharEdge> slice(const std::vector<CharEdge>& edges, std::uint32_t base, std::uint32_t size,
                              std::uint32_t least = 0) {
    std::vector<CharEdge> out;
    const std::uint32_t begin = std::max(base, least), end = base + size;
    for (auto it = find_edge(edges, begin); it != edges.end() && it->first < end; ++it) {
      const CharEdge part{std::max(it->first, begin) - base, std::min(it->last, end - 1) - base, it->to};
      if (part.first > part.last) continue;
      if (!out.empty() && out.back().to == part.to && out.back().last + 1 == part.first) {
        out.back().last = part.last;
      } else {
        out.push_back(part);
      }
    }
    work_.spend(Work::Kind::texts, 5 + 5 * out.size());
    return out;
  }

  // An edge for one value.
  void link(std::uint32_t at, unsigned char byte, const std::vector<CharEdge>& edges, std::uint32_t value) {
    const auto edge = find_edge(edges, value);
    if (edge == edges.end() || edge->first > value) return;
    builder_.edge(at, byte, edge->to >= kInside ? edge->to - kInside : first_ + edge->to);
  }

  std::uint32_t enter(Inside inside) {
    work_.spend(Work::Kind::texts, 10 + 5 * inside.rest.size());
    const auto [it, is_new] = known_.try_emplace(std::move(inside), 0);
    if (is_new) {
      it->second = builder_.add_state();
      waiting_.emplace_back(&it->first, it->second);
    }
    return it->second;
  }

  const CharDfa& content_;
  Form form_;
  Work& work_;
  AutomatonBuilder builder_;
  std::uint32_t first_ = 0;  // character state i is state first_ + i
  std::uint32_t closed_ = 0;
  std::map<Inside, std::uint32_t> known_;
  std::deque<std::pair<const Inside*, std::uint32_t>> waiting_;
};

}  // namespace

std::optional<Automaton> json_string(const CharDfa& content, Work& work, std::uint32_t min,
                                     std::uint32_t max) {
  return min > max ? std::nullopt : Writer(content, Form::json, work).run(min, max);
}

std::optional<Automaton> plain_text(const CharDfa& content, Work& work) {
  return Writer(content, Form::plain, work).run(0, Automaton::kNoLimit);
}

}  // namespace nestor::grammar
