// A grammar as a constraint on the next token.
//
// Tokens are not aligned with the grammar: one may hold the end of a string, a comma and the beginning of the
// next key. What decides is its bytes. Special tokens are allowed only where the grammar names them, stop
// tokens only where the text may end.
#pragma once

#include <memory>

#include "decode/constraint.h"
#include "grammar/allowance.h"
#include "grammar/grammar.h"
#include "grammar/vocabulary.h"

namespace nestor::grammar {

/// One sequence. What it finds out about the grammar it keeps, up to a limit, so that the same place costs
/// little the second time. Beside what decode::Constraint says, all but rewind() throw Error(limit) where the
/// allowance ends; nothing can be done with the constraint then.
class GrammarConstraint : public decode::Constraint {
 public:
  /// With an allowance of its own.
  GrammarConstraint(std::shared_ptr<const Grammar> grammar,
                    const std::shared_ptr<const Vocabulary>& vocabulary);
  /// With one that it shares with others of its request.
  GrammarConstraint(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const Vocabulary> vocabulary,
                    std::shared_ptr<Allowance> allowance);
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
