// The plain set: loops over float32 values with sums in double, the meaning of every operation. Kept for ever
// as definition, oracle and fallback.
#pragma once

#include "kernels/op_args.h"

namespace nestor::kernels {

const OpTable& reference_table();

}  // namespace nestor::kernels
