#include "lm/language_model.h"

#include "base/error.h"

namespace nestor::lm {

Logits LanguageModel::draft(std::span<const Supposed> /*tokens*/) {
  fail(ErrorKind::usage, "this model has no draft block");
}

}  // namespace nestor::lm
