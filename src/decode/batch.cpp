#include "decode/batch.h"

#include "base/error.h"

namespace nestor::decode {

void Batch::forward() {
  first_rows_.clear();
  std::int64_t expected = 0;
  for (const lm::Chunk& chunk : chunks_) {
    first_rows_.push_back(expected);
    expected += chunk.logits;
  }
  logits_ = model_.forward(chunks_);
  if (logits_.rows() == expected) return;
  for (const lm::Chunk& chunk : chunks_) {
    model_.truncate(chunk.sequence, std::ssize(model_.history(chunk.sequence)) - std::ssize(chunk.ids));
  }
  fail(ErrorKind::internal, "the model returned {} rows of logits, expected {}", logits_.rows(), expected);
}

}  // namespace nestor::decode
