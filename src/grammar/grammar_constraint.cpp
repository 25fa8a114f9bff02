#include "grammar/grammar_constraint.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "grammar/leaf_masks.h"
#include "grammar/member_names.h"
#include "grammar/stacks.h"
#include "grammar/terms.h"

namespace nestor::grammar {
namespace {

constexpr std::size_t kRemembered =
    256;  // states of tokens that are kept in any case: more than is taken back

std::unordered_map<TermId, TokenId> control_tokens(const Terms& terms, const Vocabulary& vocabulary) {
  std::unordered_map<TermId, TokenId> out;
  for (TermId id = 0; id < terms.terms.size(); ++id) {
    if (terms.terms[id].kind != Term::Kind::marker) continue;
    if (const auto token = vocabulary.control(terms.terms[id].marker)) out.emplace(id, *token);
  }
  return out;
}

void set(std::span<std::uint64_t> mask, TokenId id) {
  mask[static_cast<std::size_t>(id) / 64] |= std::uint64_t{1} << (id % 64);
}

}  // namespace

class GrammarConstraint::Implementation {
 public:
  Implementation(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const Vocabulary> vocabulary,
                 std::shared_ptr<Allowance> allowance)
      : grammar_(std::move(grammar)),
        vocabulary_(std::move(vocabulary)),
        allowance_(std::move(allowance)),
        masks_(grammar_->masks_for(vocabulary_)),
        stacks_(grammar_->terms(), control_tokens(grammar_->terms(), *vocabulary_), *allowance_),
        states_{stacks_.start()},
        path_(vocabulary_->longest() + 1) {
    if (grammar_->terms().names_members_freely) names_.emplace();
  }

  void allowed(std::span<std::uint64_t> mask) {
    if (mask.size() * 64 < static_cast<std::size_t>(vocabulary_->id_limit())) {
      fail(ErrorKind::usage, "a mask of {} bits for a vocabulary with ids below {}", mask.size() * 64,
           vocabulary_->id_limit());
    }
    const StateId state = states_.back();
    if (may_end()) {
      for (const TokenId id : vocabulary_->stop_ids()) set(mask, id);
    }
    if (state == kStopped) return;
    // By index: following tokens adds states.
    for (std::size_t i = 0; i < stacks_.entries(state).size(); ++i) add(stacks_.entries(state)[i], mask);
    if (names_) remove_repetitions(mask);
  }

  void accept(TokenId id) {
    const StateId next = behind(states_.back(), id);
    if (next == Stacks::kNone || (names_ && names_->would_repeat(vocabulary_->bytes_of(id)))) {
      fail(ErrorKind::usage, "the grammar does not allow the token {} here", id);
    }
    tokens_.push_back(id);
    if (names_) names_->push(vocabulary_->bytes_of(id));
    advance(next);
  }

  void rewind(std::int64_t tokens) {
    if (tokens < 0 || tokens > std::ssize(tokens_)) {
      fail(ErrorKind::usage, "cannot go back {} tokens, {} were accepted", tokens, tokens_.size());
    }
    tokens_.resize(tokens_.size() - static_cast<std::size_t>(tokens));
    if (tokens_.size() < forgotten_) {
      read_again();
    } else {
      states_.resize(tokens_.size() + 1 - forgotten_);
    }
    if (names_) names_ = names_of(tokens_);
  }

  bool may_end() const { return states_.back() == kStopped || stacks_.may_end(states_.back()); }
  bool must_end() const { return states_.back() == kStopped || states_.back() == Stacks::kEnd; }

 private:
  static constexpr StateId kStopped = Stacks::kNone - 1;  // behind a stop token

  void advance(StateId next) {
    states_.push_back(next);
    allowance_->refill();
    if (stacks_.bytes() <= tidy_above_) return;
    const std::size_t old = states_.size() - std::min(states_.size(), kRemembered);
    states_.erase(states_.begin(), states_.begin() + static_cast<std::ptrdiff_t>(old));
    forgotten_ += old;
    stacks_.keep(states_);
    tidy_above_ = std::max(allowance_->share(), 2 * stacks_.bytes());
  }

  void read_again() {
    states_ = {stacks_.start()};
    forgotten_ = 0;
    for (const TokenId id : tokens_) advance(behind(states_.back(), id));
  }

  MemberNames names_of(std::span<const TokenId> tokens) const {
    MemberNames names;
    for (const TokenId id : tokens) names.push(vocabulary_->bytes_of(id));
    return names;
  }

  // A name can always go on instead of being closed, so something is left.
  void remove_repetitions(std::span<std::uint64_t> mask) const {
    const std::uint64_t cost = Allowance::kEntry + names_->begun_bytes() / 16;
    std::uint64_t work = 0;
    for (const TokenId id : vocabulary_->with_quotes(names_->quotes_needed())) {
      std::uint64_t& word = mask[static_cast<std::size_t>(id) / 64];
      const std::uint64_t bit = std::uint64_t{1} << (id % 64);
      if ((word & bit) == 0) continue;
      work += cost;
      if (names_->would_repeat(vocabulary_->bytes_of(id))) word &= ~bit;
    }
    allowance_->spend(work);
  }

  StateId behind(StateId state, TokenId id) {
    if (vocabulary_->is_stop(id)) {
      return state == kStopped || stacks_.may_end(state) ? kStopped : Stacks::kNone;
    }
    if (state == kStopped) return Stacks::kNone;
    const std::string_view bytes = vocabulary_->bytes_of(id);
    if (bytes.empty()) return stacks_.step_control(state, id);
    for (const char c : bytes) {
      state = stacks_.step(state, static_cast<unsigned char>(c));
      if (state == Stacks::kNone) break;
    }
    return state;
  }

  void add(const Entry& entry, std::span<std::uint64_t> mask) {
    if (const auto id = stacks_.control_of(entry.frame)) {
      set(mask, *id);
      return;
    }
    const std::uint32_t automaton = grammar_->terms().terms[entry.frame.term].automaton;
    const auto leaf = masks_->of(automaton, {entry.frame.at, entry.frame.count});
    allowance_->spend_once(leaf->number, leaf->work);
    leaf->add_to(mask);
    if (leaf->beyond.empty()) return;
    const StateId after = stacks_.after(entry.tail);
    if (after == Stacks::kNone || after == Stacks::kEnd) return;
    for (const std::uint32_t node : leaf->beyond) follow(node, after, mask);
  }

  // Adds the tokens below a node of the vocabulary, the text up to the node having led to `state`.
  void follow(std::uint32_t from, StateId state, std::span<std::uint64_t> mask) {
    const auto nodes = vocabulary_->nodes();
    std::uint64_t walked = 1;
    path_[nodes[from].depth] = state;
    for (std::uint32_t i = from + 1; i < nodes[from].end; ++walked) {
      const StateId next = stacks_.step(path_[nodes[i].depth - 1U], nodes[i].byte);
      if (next == Stacks::kNone) {
        i = nodes[i].end;
        continue;
      }
      for (const TokenId id : vocabulary_->tokens_at(i)) set(mask, id);
      path_[nodes[i].depth] = next;
      ++i;
    }
    allowance_->spend(walked);
  }

  std::shared_ptr<const Grammar> grammar_;
  std::shared_ptr<const Vocabulary> vocabulary_;
  std::shared_ptr<Allowance> allowance_;
  std::shared_ptr<LeafMasks> masks_;
  Stacks stacks_;
  std::vector<TokenId> tokens_;
  std::optional<MemberNames> names_;              // of the text so far, where the terms leave names open
  std::vector<StateId> states_;                   // before the first token and behind each one, but for
  std::size_t forgotten_ = 0;                     // the first of them
  std::vector<StateId> path_;                     // scratch of follow(), by depth
  std::size_t tidy_above_ = allowance_->share();  // bytes of the stacks
};

GrammarConstraint::GrammarConstraint(std::shared_ptr<const Grammar> grammar,
                                     const std::shared_ptr<const Vocabulary>& vocabulary)
    : GrammarConstraint(std::move(grammar), vocabulary, std::make_shared<Allowance>(*vocabulary)) {}

GrammarConstraint::GrammarConstraint(std::shared_ptr<const Grammar> grammar,
                                     std::shared_ptr<const Vocabulary> vocabulary,
                                     std::shared_ptr<Allowance> allowance)
    : implementation_(std::make_unique<Implementation>(std::move(grammar), std::move(vocabulary),
                                                       std::move(allowance))) {}

GrammarConstraint::~GrammarConstraint() = default;

void GrammarConstraint::allowed(std::span<std::uint64_t> mask) { implementation_->allowed(mask); }
void GrammarConstraint::accept(TokenId id) { implementation_->accept(id); }
void GrammarConstraint::rewind(std::int64_t tokens) { implementation_->rewind(tokens); }
bool GrammarConstraint::may_end() const { return implementation_->may_end(); }
bool GrammarConstraint::must_end() const { return implementation_->must_end(); }

}  // namespace nestor::grammar
