#include "grammar/grammar_constraint.h"

#include <limits>
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

// Beyond this many states everything is read again from the tokens, which leaves only what they need.
constexpr std::size_t kMaxStates = 20'000;

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
  Implementation(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const Vocabulary> vocabulary)
      : grammar_(std::move(grammar)),
        vocabulary_(std::move(vocabulary)),
        masks_(grammar_->masks_for(vocabulary_)),
        control_(control_tokens(grammar_->terms(), *vocabulary_)),
        path_(vocabulary_->longest() + 1) {
    read_again();
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
    for (std::size_t i = 0; i < stacks_->entries(state).size(); ++i) add(stacks_->entries(state)[i], mask);
    if (names_) remove_repetitions(mask);
  }

  void accept(TokenId id) {
    const StateId next = behind(states_.back(), id);
    if (next == Stacks::kNone || (names_ && names_->would_repeat(vocabulary_->bytes_of(id)))) {
      fail(ErrorKind::usage, "the grammar does not allow the token {} here", id);
    }
    tokens_.push_back(id);
    if (names_) names_->push(vocabulary_->bytes_of(id));
    states_.push_back(next);
    if (stacks_->size() > limit_) {
      read_again();
      limit_ = std::max(kMaxStates, 2 * stacks_->size());
    }
  }

  void rewind(std::int64_t tokens) {
    if (tokens < 0 || tokens > std::ssize(tokens_)) {
      fail(ErrorKind::usage, "cannot go back {} tokens, {} were accepted", tokens, tokens_.size());
    }
    tokens_.resize(tokens_.size() - static_cast<std::size_t>(tokens));
    states_.resize(tokens_.size() + 1);
    if (names_) names_ = names_of(tokens_);
  }

  bool may_end() const { return states_.back() == kStopped || stacks_->may_end(states_.back()); }
  bool must_end() const { return states_.back() == kStopped || states_.back() == Stacks::kEnd; }

 private:
  static constexpr StateId kStopped = Stacks::kNone - 1;  // behind a stop token

  void read_again() {
    stacks_ = std::make_unique<Stacks>(grammar_->terms(), control_);
    states_ = {stacks_->start()};
    for (const TokenId id : tokens_) states_.push_back(behind(states_.back(), id));
  }

  MemberNames names_of(std::span<const TokenId> tokens) const {
    MemberNames names;
    for (const TokenId id : tokens) names.push(vocabulary_->bytes_of(id));
    return names;
  }

  // A name can always go on instead of being closed, so something is left.
  void remove_repetitions(std::span<std::uint64_t> mask) const {
    for (const TokenId id : vocabulary_->with_quotes(names_->quotes_needed())) {
      std::uint64_t& word = mask[static_cast<std::size_t>(id) / 64];
      const std::uint64_t bit = std::uint64_t{1} << (id % 64);
      if ((word & bit) != 0 && names_->would_repeat(vocabulary_->bytes_of(id))) word &= ~bit;
    }
  }

  StateId behind(StateId state, TokenId id) {
    if (vocabulary_->is_stop(id)) {
      return state == kStopped || stacks_->may_end(state) ? kStopped : Stacks::kNone;
    }
    if (state == kStopped) return Stacks::kNone;
    const std::string_view bytes = vocabulary_->bytes_of(id);
    if (bytes.empty()) return stacks_->step_control(state, id);
    for (const char c : bytes) {
      state = stacks_->step(state, static_cast<unsigned char>(c));
      if (state == Stacks::kNone) break;
    }
    return state;
  }

  void add(const Entry& entry, std::span<std::uint64_t> mask) {
    if (const auto id = stacks_->control_of(entry.frame)) {
      set(mask, *id);
      return;
    }
    const std::uint32_t automaton = grammar_->terms().terms[entry.frame.term].automaton;
    const auto leaf = masks_->of(automaton, {entry.frame.at, entry.frame.count});
    leaf->add_to(mask);
    if (leaf->beyond.empty()) return;
    const StateId after = stacks_->after(entry.tail);
    if (after == Stacks::kNone || after == Stacks::kEnd) return;
    for (const std::uint32_t node : leaf->beyond) follow(node, after, mask);
  }

  // Adds the tokens below a node of the vocabulary, the text up to the node having led to `state`.
  void follow(std::uint32_t from, StateId state, std::span<std::uint64_t> mask) {
    const auto nodes = vocabulary_->nodes();
    path_[nodes[from].depth] = state;
    for (std::uint32_t i = from + 1; i < nodes[from].end;) {
      const StateId next = stacks_->step(path_[nodes[i].depth - 1U], nodes[i].byte);
      if (next == Stacks::kNone) {
        i = nodes[i].end;
        continue;
      }
      for (const TokenId id : vocabulary_->tokens_at(i)) set(mask, id);
      path_[nodes[i].depth] = next;
      ++i;
    }
  }

  std::shared_ptr<const Grammar> grammar_;
  std::shared_ptr<const Vocabulary> vocabulary_;
  std::shared_ptr<LeafMasks> masks_;
  std::unordered_map<TermId, TokenId> control_;
  std::unique_ptr<Stacks> stacks_;
  std::vector<TokenId> tokens_;
  std::optional<MemberNames> names_;  // of the text so far, where the terms leave names open
  std::vector<StateId> states_;       // before the first token and behind each one
  std::vector<StateId> path_;         // scratch of follow(), by depth
  std::size_t limit_ = kMaxStates;
};

GrammarConstraint::GrammarConstraint(std::shared_ptr<const Grammar> grammar,
                                     std::shared_ptr<const Vocabulary> vocabulary)
    : implementation_(std::make_unique<Implementation>(std::move(grammar), std::move(vocabulary))) {}

GrammarConstraint::~GrammarConstraint() = default;

void GrammarConstraint::allowed(std::span<std::uint64_t> mask) { implementation_->allowed(mask); }
void GrammarConstraint::accept(TokenId id) { implementation_->accept(id); }
void GrammarConstraint::rewind(std::int64_t tokens) { implementation_->rewind(tokens); }
bool GrammarConstraint::may_end() const { return implementation_->may_end(); }
bool GrammarConstraint::must_end() const { return implementation_->must_end(); }

}  // namespace nestor::grammar
