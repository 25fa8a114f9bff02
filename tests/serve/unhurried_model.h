// A language model that takes its time over every forward pass, so that a test can do something meanwhile.
#pragma once

#include <chrono>
#include <memory>
#include <thread>

#include "lm/language_model.h"

namespace nestor::testing {

class UnhurriedModel : public lm::LanguageModel {
 public:
  UnhurriedModel(std::unique_ptr<lm::LanguageModel> model, std::chrono::milliseconds pause)
      : model_(std::move(model)), pause_(pause) {}

  const lm::Info& info() const override { return model_->info(); }
  lm::SequenceId open() override { return model_->open(); }
  lm::SequenceId fork(lm::SequenceId source, std::int64_t length) override {
    return model_->fork(source, length);
  }
  void truncate(lm::SequenceId sequence, std::int64_t length) override { model_->truncate(sequence, length); }
  void close(lm::SequenceId sequence) override { model_->close(sequence); }
  std::span<const TokenId> history(lm::SequenceId sequence) const override {
    return model_->history(sequence);
  }
  lm::Memory memory() const override { return model_->memory(); }
  std::int64_t pages_to_append(lm::SequenceId sequence, std::int64_t tokens) const override {
    return model_->pages_to_append(sequence, tokens);
  }
  lm::Logits forward(std::span<const lm::Chunk> batch) override {
    std::this_thread::sleep_for(pause_);
    return model_->forward(batch);
  }

 private:
  std::unique_ptr<lm::LanguageModel> model_;
  std::chrono::milliseconds pause_;
};

}  // namespace nestor::testing
