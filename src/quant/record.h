// Rows of tables as records of 8, 6, 5, 4, 3 or 2 bits a value: what one look-up reads, scales included.
//
// A record is [ceil(width / 32) scales in bfloat16][codes]. The codes are a stream of bits, the first value
// in the lowest bits of the first byte; each is stored as code + 2^(bits - 1), and value = scale * code.
// Records are packed into pages of 4096 bytes, as many as fit whole, so that a look-up touches one page;
// records larger than a page follow one another.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "quant/rounding.h"

namespace nestor::quant {

inline constexpr std::int64_t kPageBytes = 4096;

struct RecordFormat {
  int bits = 8;
  std::int64_t width = 0;  // values of a row

  std::int64_t bytes() const;
  /// Bytes from the start of the table to record `row`.
  std::int64_t offset(std::int64_t row) const;
  /// Pages that `rows` records take. A table is a tensor of bytes [pages, 4096].
  std::int64_t pages(std::int64_t rows) const;
};

/// One row of `format.width` values (smaller than kLargestValue) to format.bytes() bytes.
void encode_record(const RecordFormat& format, std::span<const float> values, ScaleRule rule,
                   std::uint8_t* out);

/// The values of a record, to [width].
void decode_record(const RecordFormat& format, const std::uint8_t* record, float* values);

}  // namespace nestor::quant
