#include "grammar/char_dfa.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"

namespace nestor::grammar {
namespace {

constexpr std::uint32_t kSurrogates = 0xD800, kBehindSurrogates = 0xE000;

// All characters to `other`, except the given ones.
std::vector<CharEdge> all_to(std::uint32_t other, const std::map<std::uint32_t, std::uint32_t>& except = {}) {
  std::vector<CharEdge> edges;
  std::uint32_t from = 0;
  const auto others_until = [&](std::uint32_t end) {  // end exclusive
    if (from < std::min(end, kSurrogates)) edges.push_back({from, std::min(end, kSurrogates) - 1, other});
    const std::uint32_t high = std::max(from, kBehindSurrogates);
    if (high < end) edges.push_back({high, end - 1, other});
  };
  for (const auto& [c, to] : except) {
    others_until(c);
    edges.push_back({c, c, to});
    from = c + 1;
  }
  others_until(CharDfa::kMaxChar + 1);
  return edges;
}

std::vector<bool> finishing(const std::vector<CharDfa::State>& states) {
  std::vector<std::vector<std::uint32_t>> before(states.size());
  std::vector<bool> out(states.size(), false);
  std::vector<std::uint32_t> work;
  for (std::uint32_t s = 0; s < states.size(); ++s) {
    for (const CharEdge& edge : states[s].edges) before[edge.to].push_back(s);
    if (states[s].accepting) {
      out[s] = true;
      work.push_back(s);
    }
  }
  while (!work.empty()) {
    const std::uint32_t state = work.back();
    work.pop_back();
    for (const std::uint32_t from : before[state]) {
      if (out[from]) continue;
      out[from] = true;
      work.push_back(from);
    }
  }
  return out;
}

std::size_t edges_of(const std::vector<CharDfa::State>& states) {
  std::size_t count = 0;
  for (const CharDfa::State& state : states) count += state.edges.size();
  return count;
}

}  // namespace

void check_text_size(std::size_t states, std::size_t edges) {
  if (states <= CharDfa::kMaxStates && edges <= CharDfa::kMaxEdges) return;
  fail(ErrorKind::limit,
       "the schema is too large: pattern, length and format of a string need more than {} states or {} edges "
       "together",
       CharDfa::kMaxStates, CharDfa::kMaxEdges);
}

CharDfa::CharDfa(std::vector<State> states) {
  check_text_size(states.size(), edges_of(states));
  const std::vector<bool> useful = finishing(states);
  if (states.empty() || !useful[0]) return;
  std::vector<std::uint32_t> renamed(states.size());
  std::uint32_t count = 0;
  for (std::size_t s = 0; s < states.size(); ++s) renamed[s] = useful[s] ? count++ : 0;
  for (std::size_t s = 0; s < states.size(); ++s) {
    if (!useful[s]) continue;
    State& state = states_.emplace_back();
    state.accepting = states[s].accepting;
    for (const CharEdge& edge : states[s].edges) {
      if (useful[edge.to]) state.edges.push_back({edge.first, edge.last, renamed[edge.to]});
    }
  }
}

CharDfa intersection(const CharDfa& left, const CharDfa& right, Work& work) {
  if (left.empty() || right.empty()) return CharDfa({});
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> ids{{{0, 0}, 0}};
  std::vector<std::pair<std::uint32_t, std::uint32_t>> order{{0, 0}};
  std::vector<CharDfa::State> out;
  std::size_t edges = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    check_text_size(order.size(), edges);
    const CharDfa::State& a = left.states()[order[i].first];
    const CharDfa::State& b = right.states()[order[i].second];
    CharDfa::State state;
    state.accepting = a.accepting && b.accepting;
    work.spend(Work::Kind::patterns, 10 + 20 * (a.edges.size() + b.edges.size()));
    for (auto x = a.edges.begin(), y = b.edges.begin(); x != a.edges.end() && y != b.edges.end();) {
      const std::uint32_t first = std::max(x->first, y->first), last = std::min(x->last, y->last);
      if (first <= last) {
        const std::pair to(x->to, y->to);
        const auto [it, is_new] = ids.try_emplace(to, static_cast<std::uint32_t>(order.size()));
        if (is_new) order.push_back(to);
        state.edges.push_back({first, last, it->second});
      }
      (x->last < y->last ? x : y)++;
    }
    edges += state.edges.size();
    out.push_back(std::move(state));
  }
  return CharDfa(std::move(out));
}

CharDfa any_text() { return CharDfa({{.edges = all_to(0), .accepting = true}}); }

CharDfa text_of_length(std::uint32_t min, std::uint32_t max) {
  const std::uint32_t last = max == Automaton::kNoLimit ? min : max;
  check_text_size(last, 0);
  std::vector<CharDfa::State> states(last + std::size_t{1});
  for (std::uint32_t i = 0; i <= last; ++i) {
    states[i].accepting = i >= min;
    if (i < last) states[i].edges = all_to(i + 1);
  }
  if (max == Automaton::kNoLimit) states[last].edges = all_to(last);
  return CharDfa(std::move(states));
}

CharDfa all_but(const std::vector<std::string>& texts, Work& work) {
  std::vector<std::map<std::uint32_t, std::uint32_t>> next(2);  // 0: the beginning, 1: any other text
  std::vector<bool> excluded(2, false);
  for (const std::string& text : texts) {
    std::uint32_t state = 0;
    work.spend(Work::Kind::texts, 10 * text.size());
    for (std::size_t i = 0; i < text.size();) {
      const Utf8Char c = decode_utf8(text, i);
      i += c.length;
      const auto [it, is_new] =
          next[state].try_emplace(c.code_point, static_cast<std::uint32_t>(next.size()));
      state = it->second;
      if (is_new) {
        next.emplace_back();
        excluded.push_back(false);
        check_text_size(next.size(), 0);
      }
    }
    excluded[state] = true;
  }
  std::vector<CharDfa::State> states(next.size());
  for (std::size_t s = 0; s < next.size(); ++s)
    states[s] = {.edges = all_to(1, next[s]), .accepting = !excluded[s]};
  return CharDfa(std::move(states));
}

// State i: the longest suffix of the text so far that begins `part` has i characters (Knuth, Morris and
// Pratt).
CharDfa text_without(std::string_view part) {
  std::vector<CharDfa::State> states(part.size());
  for (std::size_t i = 0; i < part.size(); ++i) {
    std::map<std::uint32_t, std::uint32_t> next;
    for (const char c : part) {
      std::string text(part.substr(0, i));
      text += c;
      std::size_t length = text.size();
      while (std::string_view(text).substr(text.size() - length) != part.substr(0, length)) --length;
      next[static_cast<unsigned char>(c)] = static_cast<std::uint32_t>(length);
    }
    states[i] = {.edges = all_to(0, next), .accepting = true};
    std::erase_if(states[i].edges, [&](const CharEdge& edge) { return edge.to == part.size(); });
  }
  return CharDfa(std::move(states));
}

CharDfa text_without_outer_blanks() {
  const auto blanks_to = [](std::uint32_t blank) {
    std::map<std::uint32_t, std::uint32_t> out;
    for (const std::uint32_t c : {0x09U, 0x0AU, 0x0BU, 0x0CU, 0x0DU, 0x20U}) out[c] = blank;
    return out;
  };
  // 0: nothing yet; 1: behind another character; 2: behind a blank; 3: begun with a blank, removed
  return CharDfa({{.edges = all_to(1, blanks_to(3)), .accepting = true},
                  {.edges = all_to(1, blanks_to(2)), .accepting = true},
                  {.edges = all_to(1, blanks_to(2)), .accepting = false},
                  {.edges = {}, .accepting = false}});
}

}  // namespace nestor::grammar
