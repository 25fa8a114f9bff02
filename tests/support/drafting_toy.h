// A toy model with a draft block: its guesses are the model's own logits, blurred.
#pragma once

#include <map>
#include <vector>

#include "base/random.h"
#include "support/toy_model.h"

namespace nestor::testing {

class DraftingToy : public ToyModel {
 public:
  using ToyModel::ToyModel;

  void truncate(lm::SequenceId id, std::int64_t length) override {
    ToyModel::truncate(id, length);
    supposed_.erase(id);
  }
  lm::Logits forward(std::span<const lm::Chunk> batch) override {
    for (const lm::Chunk& chunk : batch) {
      supposed_.erase(chunk.sequence);
      known_[chunk.sequence] = chunk.drafted_from > 0;
    }
    return ToyModel::forward(batch);
  }
  bool can_draft(lm::SequenceId id) const override {
    const auto at = known_.find(id);
    return at != known_.end() && at->second;
  }
  lm::Logits draft(std::span<const lm::Supposed> tokens) override {
    ++passes;
    guesses_.clear();
    for (const auto& [id, token] : tokens) {
      auto& supposed = supposed_[id];
      supposed.push_back(token);
      std::vector<TokenId> text(history(id).begin(), history(id).end());
      text.insert(text.end(), supposed.begin(), supposed.end());
      const auto logits = logits_after(text, info().vocab_size);
      for (std::size_t i = 0; i < logits.size(); ++i)
        guesses_.push_back(sharpness * logits[i] + blur * normal_pair(text.size(), i, 5)[0]);
    }
    return {guesses_, info().vocab_size};
  }

  float blur = 0;  // standard deviation of what guesses add
  std::int64_t passes = 0;

 private:
  std::map<lm::SequenceId, std::vector<TokenId>> supposed_;
  std::map<lm::SequenceId, bool> known_;
  std::vector<float> guesses_;
};

}  // namespace nestor::testing
