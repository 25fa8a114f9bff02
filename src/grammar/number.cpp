#include "grammar/number.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <compare>
#include <map>
#include <tuple>
#include <vector>

namespace nestor::grammar {
namespace {

enum class Part { begin, minus, zero, whole, point, fraction, e, e_sign, exponent };

// How the digits so far compare with those of a bound, signs aside: -1, 0 or 1.
struct State {
  Part part = Part::begin;
  bool negative = false;
  bool zero = true;  // no digit but 0 so far
  int digits = 0;    // of this part
  std::uint32_t remainder = 0;
  std::array<int, 2> order{};  // against min and max
  friend bool operator<(const State& a, const State& b) {
    return std::tie(a.part, a.negative, a.zero, a.digits, a.remainder, a.order) <
           std::tie(b.part, b.negative, b.zero, b.digits, b.remainder, b.order);
  }
};

int sign(std::strong_ordering order) { return std::is_lt(order) ? -1 : std::is_gt(order) ? 1 : 0; }

class Builder {
 public:
  Builder(const NumberRule& rule, Work& work)
      : rule_(rule), bounds_{rule.min, rule.max}, work_(work), builder_(work, Work::Kind::numbers) {}

  std::optional<Automaton> run() {
    enter({});
    for (std::size_t i = 0; i < order_.size(); ++i) {
      const State state = order_[i];
      const auto id = static_cast<std::uint32_t>(i);
      if (accepts(state)) builder_.accept(id);
      for (const char c : std::string_view("-0123456789.eE+")) {
        if (const auto next = step(state, c)) builder_.edge(id, static_cast<unsigned char>(c), enter(*next));
      }
    }
    return builder_.build();
  }

 private:
  bool integers() const { return rule_.max_fraction == 0 || rule_.multiple_of > 1; }
  bool bounded() const { return rule_.min || rule_.max; }

  std::uint32_t enter(const State& state) {
    work_.spend(Work::Kind::numbers, 20);
    const auto [it, is_new] = ids_.try_emplace(state, 0);
    if (is_new) {
      it->second = builder_.add_state();
      order_.push_back(state);
    }
    return it->second;
  }

  std::optional<State> step(State s, char c) const {
    if (c >= '0' && c <= '9') return step_digit(s, c);
    const bool whole = s.part == Part::zero || s.part == Part::whole;
    switch (c) {
      case '-':
      case '+':
        if (s.part == Part::begin && c == '-') {
          s.part = Part::minus;
          s.negative = true;
          return s;
        }
        if (s.part != Part::e) return std::nullopt;
        s.part = Part::e_sign;
        return s;
      case '.':
        if (!whole || integers()) return std::nullopt;
        end_whole(s);
        s.part = Part::point;
        s.digits = 0;
        return s;
      default:  // e, E
        if ((!whole && s.part != Part::fraction) || integers() || bounded() ||
            rule_.max_fraction < NumberRule::kMaxFraction)
          return std::nullopt;
        s.part = Part::e;
        s.digits = 0;
        return s;
    }
  }

  std::optional<State> step_digit(State s, char c) const {
    const int digit = c - '0';
    switch (s.part) {
      case Part::begin:
      case Part::minus:
        if (c == '0') {
          if (s.negative && integers()) return std::nullopt;  // no "-0"
          s.part = Part::zero;
          return s;
        }
        s.part = Part::whole;
        break;
      case Part::whole:
        if (s.digits == NumberRule::kMaxWhole) return std::nullopt;
        break;
      case Part::point:
      case Part::fraction:
        if (s.digits == rule_.max_fraction) return std::nullopt;
        s.part = Part::fraction;
        break;
      case Part::e:
      case Part::e_sign:
        s.digits = 0;
        s.part = Part::exponent;
        break;
      case Part::exponent:
        if (s.digits == 2) return std::nullopt;
        break;
      case Part::zero:
        return std::nullopt;
    }
    if (s.part != Part::exponent) compare(s, c);
    ++s.digits;
    if (s.part != Part::exponent) s.zero = s.zero && digit == 0;
    if (rule_.multiple_of > 1)
      s.remainder = (s.remainder * 10 + static_cast<std::uint32_t>(digit)) % rule_.multiple_of;
    return s;
  }

  void compare(State& s, char c) const {
    for (std::size_t b = 0; b < 2; ++b) {
      if (!bounds_[b]) continue;
      const Decimal& bound = bounds_[b]->value;
      const std::string& text = s.part == Part::fraction ? bound.fraction : bound.whole;
      const auto at = static_cast<std::size_t>(s.digits);
      if (s.part == Part::whole && at >= text.size()) {
        s.order[b] = 1;  // more digits
      } else if (s.order[b] == 0) {
        s.order[b] = sign(c <=> (at < text.size() ? text[at] : '0'));
      }
    }
  }

  // The number of digits before the point decides, if it differs.
  void end_whole(State& s) const {
    for (std::size_t b = 0; b < 2; ++b) {
      if (bounds_[b] && static_cast<std::size_t>(s.digits) < bounds_[b]->value.whole.size()) s.order[b] = -1;
    }
  }

  bool accepts(State s) const {
    switch (s.part) {
      case Part::zero:
      case Part::whole:
        end_whole(s);
        s.digits = 0;
        break;
      case Part::fraction:
      case Part::exponent:
        break;
      default:
        return false;
    }
    if (s.remainder != 0) return false;
    const auto against = [&](std::size_t b) {
      const Decimal& bound = bounds_[b]->value;
      const int magnitude =
          s.order[b] == 0 && bound.fraction.size() > static_cast<std::size_t>(s.digits) ? -1 : s.order[b];
      const int mine = s.zero ? 0 : s.negative ? -1 : 1;
      const bool bound_is_zero = bound.whole.empty() && bound.fraction.empty();
      const int other = bound_is_zero ? 0 : bound.negative ? -1 : 1;
      return mine != other ? sign(mine <=> other) : mine * magnitude;
    };
    if (bounds_[0] && (against(0) < 0 || (bounds_[0]->exclusive && against(0) == 0))) return false;
    return !bounds_[1] || against(1) < 0 || (!bounds_[1]->exclusive && against(1) == 0);
  }

  const NumberRule& rule_;
  std::array<std::optional<NumberBound>, 2> bounds_;
  Work& work_;
  AutomatonBuilder builder_;
  std::map<State, std::uint32_t> ids_;
  std::vector<State> order_;
};

Decimal from_text(std::string_view text) {
  Decimal out;
  if (text.front() == '-') {
    out.negative = true;
    text.remove_prefix(1);
  }
  const std::size_t point = std::min(text.find('.'), text.size());
  out.whole = text.substr(0, point);
  out.whole.erase(0, std::min(out.whole.find_first_not_of('0'), out.whole.size()));
  if (point < text.size()) out.fraction = text.substr(point + 1);
  out.fraction.erase(out.fraction.find_last_not_of('0') + 1);
  return out;
}

}  // namespace

Decimal Decimal::of(double value) {
  std::array<char, 800> text;  // the longest: -5e-324 has 326 characters in this form, the largest 310
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed).ptr;
  return from_text({text.data(), static_cast<std::size_t>(end - text.data())});
}

Decimal Decimal::of(std::int64_t value) { return from_text(std::to_string(value)); }

std::optional<Automaton> number(const NumberRule& rule, Work& work) { return Builder(rule, work).run(); }

}  // namespace nestor::grammar
