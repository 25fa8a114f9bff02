// What one rounding to float changes at most, relative to the number: the u of the bounds in these tests.
#pragma once

namespace nestor::kernels {

inline constexpr double kUnit = 0x1p-24;

}  // namespace nestor::kernels
