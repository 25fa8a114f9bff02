#include "grammar/after_reasoning.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace nestor::grammar {
namespace {

TokenId closing(const Vocabulary& vocabulary, std::string_view close) {
  if (const auto id = vocabulary.control(close)) return *id;
  fail(ErrorKind::unsupported,
       "an answer of a given form behind reasoning needs the token {}, which this vocabulary does not have",
       in_quotes(close));
}

}  // namespace

AfterReasoning::AfterReasoning(std::shared_ptr<Constraint> then, std::shared_ptr<const Vocabulary> vocabulary,
                               std::string_view close)
    : then_(std::move(then)), vocabulary_(std::move(vocabulary)), close_(closing(*vocabulary_, close)) {}

void AfterReasoning::allowed(std::span<std::uint64_t> mask) {
  if (closed_) return then_->allowed(mask);
  const auto ordinary = vocabulary_->ordinary();
  if (mask.size() < ordinary.size()) {
    fail(ErrorKind::usage, "a mask of {} bits for a vocabulary with ids below {}", mask.size() * 64,
         vocabulary_->id_limit());
  }
  for (std::size_t i = 0; i < ordinary.size(); ++i) mask[i] |= ordinary[i];
  mask[static_cast<std::size_t>(close_) / 64] |= std::uint64_t{1} << (close_ % 64);
}

void AfterReasoning::accept(TokenId id) {
  if (closed_) {
    then_->accept(id);
    ++behind_;
    return;
  }
  if (id != close_ && vocabulary_->bytes_of(id).empty()) {
    fail(ErrorKind::usage, "the token {} cannot come in reasoning", id);
  }
  closed_ = id == close_;
  ++reasoning_;
}

void AfterReasoning::rewind(std::int64_t tokens) {
  if (tokens < 0 || tokens > reasoning_ + behind_) {
    fail(ErrorKind::usage, "cannot go back {} tokens, {} were accepted", tokens, reasoning_ + behind_);
  }
  const std::int64_t from_behind = std::min(tokens, behind_);
  then_->rewind(from_behind);
  behind_ -= from_behind;
  reasoning_ -= tokens - from_behind;
  closed_ = closed_ && tokens == from_behind;
}

}  // namespace nestor::grammar
