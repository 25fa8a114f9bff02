#include "grammar/grammar_constraint.h"

namespace nestor::grammar {

class GrammarConstraint::Implementation {};

GrammarConstraint::GrammarConstraint(std::shared_ptr<const Grammar>, std::shared_ptr<const Vocabulary>) {}
GrammarConstraint::~GrammarConstraint() = default;
void GrammarConstraint::allowed(std::span<std::uint64_t>) {}
void GrammarConstraint::accept(TokenId) {}
void GrammarConstraint::rewind(std::int64_t) {}
bool GrammarConstraint::may_end() { return false; }
bool GrammarConstraint::must_end() { return false; }

}  // namespace nestor::grammar
