#include "train/tables/row_kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace nestor::train {
namespace {

using Kind = recipe::TableOptimizer::Kind;
using Numbers = recipe::TableOptimizer::Numbers;

// GCC vectorises the loops below once for each of these and picks one when the program starts.
#define NESTOR_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#define NESTOR_INLINE inline __attribute__((always_inline))

// Fetching a row from memory takes some hundred ns, working on one some thirty. So rows are fetched while
// others are worked on. First comes a line of each row of a block: those prefetches wait for the translations
// of their pages, and side by side they wait together. Later, one row at a time, the rest, which finds its
// translation.
constexpr std::size_t kBlock = 32;
constexpr std::size_t kLine = 64;
constexpr std::size_t kMostLines = 12;  // of one row; what follows, the processor sees coming by itself

/// work(i) for every row, with the records of the next two blocks on their way.
template <typename Work>
NESTOR_INLINE void for_fetched(const RowFormat& format, const std::byte* base,
                               std::span<const std::int64_t> rows, const Work& work) {
  const std::size_t bytes = std::min(format.record, kMostLines * kLine);
  const auto fetch_first_lines = [&](std::size_t begin) __attribute__((always_inline)) {
    for (std::size_t i = begin; i < std::min(begin + kBlock, rows.size()); ++i)
      __builtin_prefetch(base + format.offset(rows[i]), 1, 3);
  };
  const auto fetch = [&](std::size_t i) __attribute__((always_inline)) {
    if (i >= rows.size()) return;
    const std::byte* record = base + format.offset(rows[i]);
    for (std::size_t at = 0; at < bytes; at += kLine) __builtin_prefetch(record + at, 1, 3);
    __builtin_prefetch(record + bytes - 1, 1, 3);
  };
  fetch_first_lines(0);
  fetch_first_lines(kBlock);
  for (std::size_t i = 0; i < kBlock; ++i) fetch(i);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i % kBlock == 0) fetch_first_lines(i + 2 * kBlock);
    fetch(i + kBlock);
    work(i);
  }
}

struct F32 {
  using Stored = float;
  static NESTOR_INLINE float load(float x) { return x; }
  static NESTOR_INLINE float round(float x, std::uint32_t) { return x; }
};

// bfloat16 is the upper half of a float. Adding 16 random bits below it and cutting them off rounds up with
// probability (lower half) / 2^16: the expectation is the number itself.
struct Bf16 {
  using Stored = std::uint16_t;
  static NESTOR_INLINE float load(std::uint16_t x) { return std::bit_cast<float>(std::uint32_t{x} << 16); }
  static NESTOR_INLINE std::uint16_t round(float x, std::uint32_t random) {
    return static_cast<std::uint16_t>((std::bit_cast<std::uint32_t>(x) + (random & 0xFFFF)) >> 16);
  }
};

// The finalizer of MurmurHash3 (A. Appleby): a bijection whose every output bit depends on every input bit.
NESTOR_INLINE std::uint32_t mixed(std::uint32_t h) {
  h = (h ^ (h >> 16)) * 0x85EBCA6BU;
  h = (h ^ (h >> 13)) * 0xC2B2AE35U;
  return h ^ (h >> 16);
}

NESTOR_INLINE std::uint64_t mixed64(std::uint64_t h) {
  h = (h ^ (h >> 33)) * 0xFF51AFD7ED558CCDU;
  h = (h ^ (h >> 33)) * 0xC4CEB9FE1A85EC53U;
  return h ^ (h >> 33);
}

// Random bits of a row and step; those of a column are mixed from it.
NESTOR_INLINE std::uint32_t row_key(const RowRule& rule, std::int64_t row) {
  return static_cast<std::uint32_t>(
      mixed64(mixed64(rule.seed + rule.step) ^ (static_cast<std::uint64_t>(row) * 0x9E3779B97F4A7C15U)));
}

// Mean of squares: 16 sums side by side, added in one order whatever the instruction set.
NESTOR_INLINE float mean_square(const float* __restrict g, std::int64_t width, float scale) {
  constexpr int kSums = 16;
  float sums[kSums] = {};
  std::int64_t i = 0;
  for (; i + kSums <= width; i += kSums) {
    for (int j = 0; j < kSums; ++j) {
      const float x = g[i + j] * scale;
      sums[j] += x * x;
    }
  }
  for (int j = 0; i < width; ++i, ++j) {
    const float x = g[i] * scale;
    sums[j] += x * x;
  }
  for (int half = kSums / 2; half > 0; half /= 2) {
    for (int j = 0; j < half; ++j) sums[j] += sums[j + half];
  }
  return sums[0] / static_cast<float>(width);
}

template <typename Number>
struct Record {
  RowState* state;
  typename Number::Stored* values;
  typename Number::Stored* first;
  typename Number::Stored* second;
};

template <typename Number>
NESTOR_INLINE Record<Number> record_at(const RowFormat& format, std::byte* at) {
  const auto part = [&](std::size_t offset) {
    return reinterpret_cast<typename Number::Stored*>(at + offset);
  };
  return {reinterpret_cast<RowState*>(at), part(kValuesAt), part(format.first_at), part(format.second_at)};
}

template <typename Number>
NESTOR_INLINE void gather_one(const RowFormat& format, std::byte* at, std::span<const float> drift,
                              float epsilon, float* __restrict out) {
  const Record<Number> r = record_at<Number>(format, at);
  const typename Number::Stored* __restrict values = r.values;
  const typename Number::Stored* __restrict first = r.first;
  const typename Number::Stored* __restrict second = r.second;
  const float d = drift[r.state->last];
  const std::int64_t width = format.width;
  if (d == 0 || format.first == RowFormat::Moment::none) {
    for (std::int64_t i = 0; i < width; ++i) out[i] = Number::load(values[i]);
  } else if (format.second == RowFormat::Moment::row) {
    const float rate = d / (std::sqrt(r.state->second) + epsilon);
    for (std::int64_t i = 0; i < width; ++i) out[i] = Number::load(values[i]) - rate * Number::load(first[i]);
  } else {
    for (std::int64_t i = 0; i < width; ++i) {
      const float rate = d / (std::sqrt(Number::load(second[i])) + epsilon);
      out[i] = Number::load(values[i]) - rate * Number::load(first[i]);
    }
  }
}

// One second moment for the row, with or without first moments.
template <typename Number>
NESTOR_INLINE void update_row_wise(const RowFormat& format, std::byte* at, std::int64_t row,
                                   const float* __restrict g, const RowRule& rule) {
  const Record<Number> r = record_at<Number>(format, at);
  typename Number::Stored* __restrict values = r.values;
  typename Number::Stored* __restrict first = r.first;
  const std::int64_t width = format.width;
  const std::uint32_t last = r.state->last;
  const float old = r.state->second, square = mean_square(g, width, rule.gradient_scale);
  const float second = rule.kind == Kind::row_adagrad
                           ? old + square
                           : (*rule.second)(rule.step - last) * old + rule.take2 * square;
  const float rate = rule.size / (std::sqrt(second) + rule.epsilon);
  const float scale = rule.gradient_scale;
  const std::uint32_t key = row_key(rule, row);
  *r.state = {rule.step, second};
  if (format.first == RowFormat::Moment::none) {
    for (std::int64_t i = 0; i < width; ++i) {
      const float value = Number::load(values[i]) - rate * (g[i] * scale);
      values[i] = Number::round(value, mixed(key + static_cast<std::uint32_t>(i)));
    }
    return;
  }
  const float missed = rule.drift[last] / (std::sqrt(old) + rule.plain_epsilon);
  const float keep = (*rule.first)(rule.step - last), take = rule.take1;
  for (std::int64_t i = 0; i < width; ++i) {
    const std::uint32_t random = mixed(key + static_cast<std::uint32_t>(i));
    const float m = Number::load(first[i]);
    const float now = keep * m + take * (g[i] * scale);
    const float value = Number::load(values[i]) - missed * m - rate * now;
    values[i] = Number::round(value, random);
    first[i] = Number::round(now, random >> 16);
  }
}

template <typename Number>
NESTOR_INLINE void update_element_wise(const RowFormat& format, std::byte* at, std::int64_t row,
                                       const float* __restrict g, const RowRule& rule) {
  const Record<Number> r = record_at<Number>(format, at);
  typename Number::Stored* __restrict values = r.values;
  typename Number::Stored* __restrict first = r.first;
  typename Number::Stored* __restrict second = r.second;
  const std::int64_t width = format.width;
  const std::uint32_t last = r.state->last;
  const bool momentum = format.first != RowFormat::Moment::none;
  const float drift = rule.drift[last], scale = rule.gradient_scale;
  const float keep1 = momentum ? (*rule.first)(rule.step - last) : 0, take1 = rule.take1;
  const float keep2 = (*rule.second)(rule.step - last), take2 = rule.take2;
  const std::uint32_t key = row_key(rule, row);
  *r.state = {rule.step, 0};
  if (!momentum) {
    for (std::int64_t i = 0; i < width; ++i) {
      const std::uint32_t random = mixed(key + static_cast<std::uint32_t>(i));
      const float x = g[i] * scale, v = keep2 * Number::load(second[i]) + take2 * (x * x);
      values[i] =
          Number::round(Number::load(values[i]) - rule.size * x / (std::sqrt(v) + rule.epsilon), random);
      second[i] = Number::round(v, random >> 16);
    }
    return;
  }
  for (std::int64_t i = 0; i < width; ++i) {
    const std::uint32_t random = mixed(key + static_cast<std::uint32_t>(i));
    const float x = g[i] * scale, m = Number::load(first[i]), v = Number::load(second[i]);
    const float m_now = keep1 * m + take1 * x, v_now = keep2 * v + take2 * (x * x);
    const float missed = drift / (std::sqrt(v) + rule.plain_epsilon);
    const float rate = rule.size / (std::sqrt(v_now) + rule.epsilon);
    values[i] = Number::round(Number::load(values[i]) - missed * m - rate * m_now, random);
    first[i] = Number::round(m_now, random >> 16);
    second[i] = Number::round(v_now, mixed(random ^ 0x9E3779B9U));
  }
}

template <typename Number>
NESTOR_INLINE void gather_all(const RowFormat& format, const std::byte* base,
                              std::span<const std::int64_t> rows, std::span<const float> drift, float epsilon,
                              float* out) {
  for_fetched(
      format, base, rows, [&](std::size_t i) __attribute__((always_inline)) {
        gather_one<Number>(format, const_cast<std::byte*>(base) + format.offset(rows[i]), drift, epsilon,
                           out + static_cast<std::int64_t>(i) * format.width);
      });
}

template <typename Number>
NESTOR_INLINE void update_all(const RowFormat& format, std::byte* base, std::span<const std::int64_t> rows,
                              const float* gradients, const RowRule& rule) {
  for_fetched(
      format, base, rows, [&](std::size_t i) __attribute__((always_inline)) {
        std::byte* at = base + format.offset(rows[i]);
        const float* g = gradients + static_cast<std::int64_t>(i) * format.width;
        if (format.second == RowFormat::Moment::row) {
          update_row_wise<Number>(format, at, rows[i], g, rule);
        } else {
          update_element_wise<Number>(format, at, rows[i], g, rule);
        }
      });
}

}  // namespace

NESTOR_CLONES
void gather_rows(const RowFormat& format, const std::byte* base, std::span<const std::int64_t> rows,
                 std::span<const float> drift, float plain_epsilon, float* out) {
  if (format.numbers == Numbers::f32) {
    gather_all<F32>(format, base, rows, drift, plain_epsilon, out);
  } else {
    gather_all<Bf16>(format, base, rows, drift, plain_epsilon, out);
  }
}

NESTOR_CLONES
void update_rows(const RowFormat& format, std::byte* base, std::span<const std::int64_t> rows,
                 const float* gradients, const RowRule& rule) {
  if (format.numbers == Numbers::f32) {
    update_all<F32>(format, base, rows, gradients, rule);
  } else {
    update_all<Bf16>(format, base, rows, gradients, rule);
  }
}

void assign_rows(const RowFormat& format, std::byte* base, std::int64_t first, std::int64_t count,
                 const float* values) {
  constexpr std::uint32_t kHalf = 0x7FFF;  // with the last bit that stays: to nearest, ties to even
  for (std::int64_t i = 0; i < count; ++i) {
    std::byte* at = base + format.offset(first + i);
    std::memset(at, 0, format.record);
    for (std::int64_t j = 0; j < format.width; ++j) {
      const float x = values[i * format.width + j];
      if (format.numbers == Numbers::f32) {
        reinterpret_cast<float*>(at + kValuesAt)[j] = x;
      } else {
        const auto odd = (std::bit_cast<std::uint32_t>(x) >> 16) & 1U;
        reinterpret_cast<std::uint16_t*>(at + kValuesAt)[j] = Bf16::round(x, kHalf + odd);
      }
    }
  }
}

}  // namespace nestor::train
