// Logits of a sound model are finite: what is measured or stored is checked for it.
#pragma once

#include "lm/language_model.h"

namespace nestor::lm {

/// Throws Error(internal) if a value is not finite: no distribution, and nothing that could be measured.
void check_finite(std::span<const float> row);
void check_finite(const Logits& logits);

}  // namespace nestor::lm
