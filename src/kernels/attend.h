// Latent attention over a paged cache: all heads of a row share the cached records, as in multi-query
// attention. A record is [latent (R values), rotary key (P values)]; the query of a head is its latent form
// beside its rotary part, so a score is one dot product over R + P values and the mixed value is a sum of
// latents.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/ops.h"

namespace nestor::kernels {

/// Where the records of one attention module lie inside the pages of a sequence.
struct RecordLayout {
  Format format;                // f32, bf16, or q8: 16 positions to a band of tiles
  std::int64_t latent;          // R
  std::int64_t record;          // R + P values
  std::int64_t page_positions;  // records of one module in a page; of q8 a multiple of 16
  std::int64_t module_offset;   // bytes from the start of a page to this module's records
};

/// Bytes of one module's records in a page.
std::int64_t module_bytes(const RecordLayout& layout);

/// The records of one module in a page, as a matrix [page_positions, R + P].
MatrixView records_of(const RecordLayout& layout, const std::uint8_t* page);

/// One row of queries: the pages of its sequence and how many positions it sees (its own included).
struct AttendRow {
  std::uint8_t* const* pages;
  std::int64_t positions;
};

/// out [T * heads, R] = softmax(q . records) . latents, with q [T * heads, R + P] already scaled, head after
/// head. Sums run over 256 positions in ascending order, and these sums are joined in ascending order: the
/// result does not depend on page size, batch or threads. From records in q8, sets that multiply codes
/// (op_args.h) take queries and probabilities rounded to eight bits; pages then have 64 positions or a
/// multiple.
void attend(const Context& ctx, const RecordLayout& layout, std::span<const AttendRow> rows,
            std::int64_t heads, Rows q, Rows out);

}  // namespace nestor::kernels
