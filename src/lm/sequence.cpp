#include "lm/sequence.h"

#include <utility>

namespace nestor::lm {

Sequence::~Sequence() {
  if (model_ != nullptr) model_->close(id_);
}

Sequence::Sequence(Sequence&& other) noexcept
    : model_(std::exchange(other.model_, nullptr)), id_(other.id_) {}

}  // namespace nestor::lm
