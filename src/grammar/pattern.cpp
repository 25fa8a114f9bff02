#include "grammar/pattern.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/utf8.h"
#include "grammar/pattern_class.h"

namespace nestor::grammar {
namespace {

constexpr std::size_t kMaxNodes = 20'000;
constexpr int kMaxPatternDepth = 100;
constexpr std::uint32_t kMaxRepeat = 1'000;

// Thompson's construction: a node goes on without a character to up to two others, or with one to the next.
struct Node {
  std::optional<CharSet> on;
  std::vector<std::uint32_t> to;
};

struct Fragment {
  std::uint32_t first, last;
};

class Parser {
 public:
  Parser(std::string_view pattern, std::string_view where, Work& work)
      : text_(pattern), where_(where), work_(work) {}

  std::vector<Node> run() {
    const std::uint32_t begin = add({});  // node 0
    const std::uint32_t end = add({});    // node 1
    while (true) {
      const Fragment part = read_outermost();
      nodes_[begin].to.push_back(part.first);
      nodes_[part.last].to.push_back(end);
      if (at_ == text_.size()) return std::move(nodes_);
      if (text_[at_] == ')') wrong("a ) without its (");
      ++at_;  // |
    }
  }

 private:
  [[noreturn]] void wrong(std::string_view what) const {
    fail(ErrorKind::bad_input, "{}: the pattern {} is wrong at byte {}: {}", where_, in_quotes(text_), at_,
         what);
  }
  [[noreturn]] void unsupported(std::string_view what) const {
    fail(ErrorKind::unsupported, "{}: the pattern {} has {} at byte {}, which is not supported", where_,
         in_quotes(text_), what, at_);
  }

  std::uint32_t add(Node node) {
    work_.spend(Work::Kind::patterns, 20);
    if (nodes_.size() >= kMaxNodes) fail(ErrorKind::limit, "{}: the pattern is too large", where_);
    nodes_.push_back(std::move(node));
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }
  Fragment empty() {
    const std::uint32_t node = add({});
    return {node, node};
  }
  Fragment one_of(CharSet set) {
    const std::uint32_t last = add({});
    return {add({.on = std::move(set), .to = {last}}), last};
  }
  Fragment then(Fragment a, Fragment b) {
    nodes_[a.last].to.push_back(b.first);
    return {a.first, b.last};
  }
  Fragment anything() {
    const Fragment any = one_of(CharSet::all());
    const Fragment loop = empty();
    nodes_[loop.first].to = {any.first};
    nodes_[any.last].to = {loop.first};
    return loop;
  }

  bool at(char c) const { return at_ < text_.size() && text_[at_] == c; }

  // An alternative of the whole pattern: without ^ anything may come before it, without $ behind it.
  Fragment read_outermost() {
    Fragment part = empty();
    if (at('^')) {
      ++at_;
    } else {
      part = anything();
    }
    part = then(part, read_sequence(0));
    if (!at('$')) return then(part, anything());
    ++at_;
    if (at_ < text_.size() && text_[at_] != '|') unsupported("a $ that is not at its end");
    return part;
  }

  Fragment read_alternatives(int depth) {
    if (depth > kMaxPatternDepth) fail(ErrorKind::limit, "{}: the pattern nests too deep", where_);
    const std::uint32_t begin = add({}), end = add({});
    while (true) {
      const Fragment part = read_sequence(depth);
      nodes_[begin].to.push_back(part.first);
      nodes_[part.last].to.push_back(end);
      if (at('$')) unsupported("a $ inside a group");
      if (!at('|')) return {begin, end};
      ++at_;
    }
  }

  Fragment read_sequence(int depth) {
    Fragment part = empty();
    while (at_ < text_.size() && text_[at_] != '|' && text_[at_] != ')' && text_[at_] != '$') {
      part = then(part, read_quantified(depth));
    }
    return part;
  }

  Fragment read_quantified(int depth) {
    const std::size_t begin = at_;
    const Fragment part = read_atom(depth);
    const auto range = read_quantifier();
    if (!range) return part;
    // Copies are read again from the text.
    const std::size_t end = at_;
    const auto copy = [&] {
      at_ = begin;
      const Fragment again = read_atom(depth);
      at_ = end;
      return again;
    };
    const auto [min, max] = *range;
    Fragment out = empty();
    const std::uint32_t last = add({});
    bool used = false;
    const auto next = [&] { return std::exchange(used, true) ? copy() : part; };
    for (std::uint32_t i = 0; i < min; ++i) out = then(out, next());
    if (!max) {
      const Fragment body = next();
      nodes_[out.last].to.push_back(body.first);
      nodes_[body.last].to.push_back(out.last);
    } else {
      for (std::uint32_t i = min; i < *max; ++i) {
        nodes_[out.last].to.push_back(last);
        out = then(out, next());
      }
    }
    nodes_[out.last].to.push_back(last);
    return {out.first, last};
  }

  using Range = std::pair<std::uint32_t, std::optional<std::uint32_t>>;
  std::optional<Range> read_quantifier() {
    std::optional<Range> range;
    if (at('*')) range = Range(0, std::nullopt);
    if (at('+')) range = Range(1, std::nullopt);
    if (at('?')) range = Range(0, 1);
    if (range) {
      ++at_;
    } else if (at('{')) {
      range = read_braces();
    }
    if (range && at('?')) ++at_;  // lazy: the same texts
    if (range && (at('*') || at('+') || at('{'))) wrong("a quantifier behind a quantifier");
    return range;
  }

  Range read_braces() {
    ++at_;
    const auto min = read_number();
    if (!min) wrong("a { that begins no quantifier; write \\{ for the character");
    std::optional<std::uint32_t> max = min;
    if (at(',')) {
      ++at_;
      max = read_number();
    }
    if (!at('}')) wrong("a quantifier without its }");
    ++at_;
    if (max && *max < *min) wrong("a quantifier whose numbers are in the wrong order");
    return {*min, max};
  }

  std::optional<std::uint32_t> read_number() {
    std::optional<std::uint32_t> value;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      value = value.value_or(0) * 10 + static_cast<std::uint32_t>(text_[at_] - '0');
      if (*value > kMaxRepeat) {
        fail(ErrorKind::limit, "{}: the pattern repeats something more than {} times", where_, kMaxRepeat);
      }
    }
    return value;
  }

  Fragment read_atom(int depth) {
    switch (text_[at_]) {
      case '(': {
        ++at_;
        if (at('?')) {
          ++at_;
          if (!at(':')) unsupported("a look-around or a named group");
          ++at_;
        }
        const Fragment part = read_alternatives(depth + 1);
        if (!at(')')) wrong("a ( without its )");
        ++at_;
        return part;
      }
      case '*':
      case '+':
      case '?':
        wrong("a quantifier with nothing before it");
      case '^':
        unsupported("a ^ that is not at its beginning");
      default: {
        PatternClassReader reader(text_, at_, where_);
        CharSet set = reader.read();
        // A set is kept for every copy of it.
        work_.spend(Work::Kind::patterns, 10 * (reader.end() - at_ + set.ranges().size()));
        at_ = reader.end();
        return one_of(std::move(set));
      }
    }
  }

  std::string_view text_;
  std::string_view where_;
  Work& work_;
  std::size_t at_ = 0;
  std::vector<Node> nodes_;
};

// The usual construction of subsets. Characters are told apart only where some set of some node does.
class Determinizer {
 public:
  Determinizer(std::vector<Node> nodes, Work& work)
      : nodes_(std::move(nodes)), work_(work), met_(nodes_.size(), 0), targets_(nodes_.size(), 0) {}

  CharDfa run() {
    enter({0});
    std::vector<CharDfa::State> out;
    std::size_t edges = 0;
    for (std::size_t i = 0; i < order_.size(); ++i) {
      check_text_size(order_.size(), edges);
      const std::vector<std::uint32_t>& nodes = *order_[i];
      out.push_back(
          {.edges = edges_of(nodes), .accepting = std::binary_search(nodes.begin(), nodes.end(), 1U)});
      edges += out.back().edges.size();
    }
    return CharDfa(std::move(out));
  }

 private:
  /// Where a set begins (+1) or ends (-1), the targets change.
  struct Change {
    std::uint32_t at, node;
    int by;
  };

  std::vector<CharEdge> edges_of(const std::vector<std::uint32_t>& nodes) {
    std::vector<Change> changes;
    for (const std::uint32_t n : nodes) {
      if (!nodes_[n].on) continue;
      for (const auto& [first, last] : nodes_[n].on->ranges()) {
        changes.push_back({first, nodes_[n].to[0], 1});
        changes.push_back({last + 1, nodes_[n].to[0], -1});
      }
    }
    work_.spend(Work::Kind::patterns, 10 * changes.size());
    std::sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) { return a.at < b.at; });
    std::vector<CharEdge> edges;
    std::vector<std::uint32_t> live;  // those of the targets that are not 0, and some that are
    for (std::size_t i = 0; i < changes.size();) {
      const std::uint32_t from = changes[i].at;
      for (; i < changes.size() && changes[i].at == from; ++i) {
        int& count = targets_[changes[i].node];
        if (count == 0) live.push_back(changes[i].node);
        count += changes[i].by;
      }
      std::erase_if(live, [this](std::uint32_t n) { return targets_[n] == 0; });
      std::sort(live.begin(), live.end());
      live.erase(std::unique(live.begin(), live.end()), live.end());
      work_.spend(Work::Kind::patterns, 5 + 5 * live.size());
      if (!live.empty()) append(edges, from, changes[i].at - 1, live);
    }
    return edges;
  }

  void append(std::vector<CharEdge>& edges, std::uint32_t first, std::uint32_t last,
              const std::vector<std::uint32_t>& targets) {
    const std::uint32_t to = enter(targets);
    if (!edges.empty() && edges.back().to == to && edges.back().last + 1 == first) {
      edges.back().last = last;
    } else {
      edges.push_back({first, last, to});
    }
  }

  // The state of these nodes and all that are reached from them without a character.
  std::uint32_t enter(std::vector<std::uint32_t> nodes) {
    std::vector<std::uint32_t> key;
    ++round_;
    std::uint64_t steps = 20;
    while (!nodes.empty()) {
      const std::uint32_t n = nodes.back();
      nodes.pop_back();
      ++steps;
      if (std::exchange(met_[n], round_) == round_) continue;
      if (nodes_[n].on || n == 1) key.push_back(n);
      if (!nodes_[n].on) nodes.insert(nodes.end(), nodes_[n].to.begin(), nodes_[n].to.end());
    }
    work_.spend(Work::Kind::patterns, steps + 10 * key.size());
    std::sort(key.begin(), key.end());
    const auto [it, is_new] = ids_.try_emplace(std::move(key), static_cast<std::uint32_t>(order_.size()));
    if (is_new) order_.push_back(&it->first);
    return it->second;
  }

  std::vector<Node> nodes_;
  Work& work_;
  std::vector<std::uint32_t> met_;  // by node: the last round that met it
  std::uint32_t round_ = 0;
  std::vector<int> targets_;  // by node, of edges_of(): all 0 between its calls
  std::map<std::vector<std::uint32_t>, std::uint32_t> ids_;
  std::vector<const std::vector<std::uint32_t>*> order_;
};

}  // namespace

CharDfa pattern_text(std::string_view pattern, std::string_view where, Work& work) {
  return Determinizer(Parser(pattern, where, work).run(), work).run();
}

}  // namespace nestor::grammar
