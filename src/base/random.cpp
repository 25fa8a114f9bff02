#include "base/random.h"

#include <cmath>
#include <numbers>

namespace nestor {

std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t counter_low,
                                    std::uint64_t counter_high) {
  std::uint32_t k0 = static_cast<std::uint32_t>(key);
  std::uint32_t k1 = static_cast<std::uint32_t>(key >> 32);
  std::array<std::uint32_t, 4> c = {
      static_cast<std::uint32_t>(counter_low), static_cast<std::uint32_t>(counter_low >> 32),
      static_cast<std::uint32_t>(counter_high), static_cast<std::uint32_t>(counter_high >> 32)};
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * c[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<std::uint32_t>(b >> 32) ^ c[1] ^ k0, static_cast<std::uint32_t>(b),
         static_cast<std::uint32_t>(a >> 32) ^ c[3] ^ k1, static_cast<std::uint32_t>(a)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c;
}

double uniform(std::uint64_t key, std::uint64_t counter_low, std::uint64_t counter_high) {
  const auto r = philox(key, counter_low, counter_high);
  const std::uint64_t bits = (std::uint64_t{r[0]} << 32) | r[1];
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

std::array<double, 2> open_uniform_pair(std::uint64_t key, std::uint64_t counter_low,
                                        std::uint64_t counter_high) {
  const auto r = philox(key, counter_low, counter_high);
  const auto value = [](std::uint32_t high, std::uint32_t low) {
    const std::uint64_t bits = (std::uint64_t{high} << 32) | low;
    return (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52;  // 53 bits in all: exact
  };
  return {value(r[0], r[1]), value(r[2], r[3])};
}

std::array<float, 2> normal_pair(std::uint64_t key, std::uint64_t counter_low, std::uint64_t counter_high) {
  const auto r = philox(key, counter_low, counter_high);
  const double u = (static_cast<double>(r[0]) + 0.5) * 0x1p-32;  // in (0, 1): the logarithm is finite
  const double angle = 2.0 * std::numbers::pi * static_cast<double>(r[1]) * 0x1p-32;
  const double radius = std::sqrt(-2.0 * std::log(u));
  return {static_cast<float>(radius * std::cos(angle)), static_cast<float>(radius * std::sin(angle))};
}

std::uint64_t key_of_name(std::string_view name) {
  std::uint64_t h = 14695981039346656037ULL;
  for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return h;
}

}  // namespace nestor
