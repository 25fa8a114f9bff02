// A constraint that begins behind a model's reasoning: any text, the token that ends it, then what is held to
// a form.
#pragma once

#include <memory>
#include <string_view>

#include "decode/constraint.h"
#include "grammar/vocabulary.h"

namespace nestor::grammar {

class AfterReasoning : public decode::Constraint {
 public:
  /// `close` is the special token that ends the reasoning, such as "</longcat_think>": Error(unsupported) if
  /// the vocabulary has none of that text.
  AfterReasoning(std::shared_ptr<Constraint> then, std::shared_ptr<const Vocabulary> vocabulary,
                 std::string_view close);

  void allowed(std::span<std::uint64_t> mask) override;
  void accept(TokenId id) override;
  void rewind(std::int64_t tokens) override;

 private:
  std::shared_ptr<Constraint> then_;
  std::shared_ptr<const Vocabulary> vocabulary_;
  TokenId close_;
  bool closed_ = false;
  std::int64_t reasoning_ = 0;  // tokens of it, the closing one included
  std::int64_t behind_ = 0;     // tokens that `then` has accepted
};

}  // namespace nestor::grammar
