// A grammar as a constraint on the next token.
//
// Tokens are not aligned with the grammar: one may hold the end of a string, a comma and the beginning of the
// next key. What decides is its bytes. Special tokens are allowed only where the grammar names them, stop
// tokens only where the text may end.
#pragma once

#include <memory>

#include "decode/constraint.h"
#include "grammar/grammar.h"
#include "grammar/vocabulary.h"

namespace nestor::grammar {

/// One sequence. What it finds out about the grammar it keeps, up to a limit, so that the same place costs
/// little the second time.
class GrammarConstraint : public decode::Constraint {
 public:
  GrammarConstraint(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const Vocabulary> vocabulary);
  ~GrammarConstraint() override;

  void allowed(std::span<std::uint64_t> mask) override;
  void accept(TokenId id) override;
  void rewind(std::int64_t tokens) override;

  /// Whether the text so far is complete: stop tokens are allowed.
  bool may_end() const;
  /// Whether nothing but a stop token may follow.
  bool must_end() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace nestor::grammar
