#include "lm/sequence.h"

#include <utility>

namespace nestor::lm {

Sequence::~Sequence() {
  if (model_ != nullptr) model_->close(id_);
}

Sequence::Sequence(Sequence&& other) noexcept
    : model_(std::exchange(other.model_, nullptr)), id_(other.id_) {}

Sequence& Sequence::operator=(Sequence&& other) noexcept {
  std::swap(model_, other.model_);
  std::swap(id_, other.id_);
  return *this;
}

}  // namespace nestor::lm
