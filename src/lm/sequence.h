// A sequence of a model that closes itself.
#pragma once

#include "lm/language_model.h"

namespace nestor::lm {

class Sequence {
 public:
  explicit Sequence(LanguageModel& model) : model_(&model), id_(model.open()) {}
  ~Sequence();
  Sequence(Sequence&& other) noexcept;
  Sequence& operator=(Sequence&& other) noexcept;
  Sequence(const Sequence&) = delete;
  Sequence& operator=(const Sequence&) = delete;

  SequenceId id() const { return id_; }
  std::span<const TokenId> history() const { return model_->history(id_); }
  std::int64_t length() const { return static_cast<std::int64_t>(history().size()); }
  void truncate(std::int64_t length) { model_->truncate(id_, length); }
  Sequence fork(std::int64_t length) const { return {*model_, model_->fork(id_, length)}; }

 private:
  Sequence(LanguageModel& model, SequenceId id) : model_(&model), id_(id) {}

  LanguageModel* model_;
  SequenceId id_;
};

}  // namespace nestor::lm
