// Token ids as every room counts them. Ids from outside are checked against the vocabulary where they enter.
#pragma once

#include <cstdint>

namespace nestor {

using TokenId = std::int32_t;

}  // namespace nestor
