// Products of tiles with activations rounded to eight bits, for AVX-512, over coded_blocks_avx512.h,
// coded_panels_body.h and coded_passes_avx512.h.
//
// Few activations are a matter of memory, and tiles are used as they come: a step takes all of them and up to
// two bands, with one activation up to three. Each band is a stream; some processors read one stream fastest,
// some three.
#pragma once

namespace {

// kRows activations of one group from t on, kBands bands from `band` on, read once from memory.
template <typename Codes, int kRows, int kBands>
inline void stream_bands(const MatmulCodedArgs& a, int64_t t, int64_t band, int64_t n_begin, int64_t n_end) {
  FromTile<Codes> w[kBands];
  for (int j = 0; j < kBands; ++j) w[j].tile = a.w.data + (band + j) * a.w.row_bytes;
  Activations x = activations_at(a.x, Codes::starts(a.x), t, 0);
  Vec sums[kRows][kBands];
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kBands; ++j) sums[i][j] = vec_zero();
  }
  for (int64_t b = 0; b < a.x.blocks; ++b, x.advance()) {
    if (a.reading.bytes_ahead != 0) {
      const int64_t at = b * Codes::kBytes;
      const int64_t ahead =
          fetched_at(at, a.reading.bytes_ahead, a.w.row_bytes, (kBands - 1) * a.w.row_bytes) - at;
      for (int j = 0; j < kBands; ++j) {
        for (int64_t line = 0; line < Codes::kBytes; line += 64)
          _mm_prefetch((const char*)(w[j].tile + ahead + line), _MM_HINT_T0);
      }
    }
    add_block<Codes, kRows, kBands>(w, x, sums);
    for (int j = 0; j < kBands; ++j) w[j].advance();
  }
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kBands; ++j) {
      store_lanes(a.y + (t + i) * a.y_stride, sums[i][j], (band + j) * kBandRows - a.w.first_row, n_begin,
                  n_end);
    }
  }
}

template <typename Codes, int kRows>
void stream(const MatmulCodedArgs& a, int64_t t, int64_t n_begin, int64_t n_end) {
  const int64_t end = (a.w.first_row + n_end + kBandRows - 1) / kBandRows;
  int64_t band = (a.w.first_row + n_begin) / kBandRows;
  if constexpr (kRows == 1) {
    if (a.reading.side_by_side >= 3)
      for (; band + 3 <= end; band += 3) stream_bands<Codes, kRows, 3>(a, t, band, n_begin, n_end);
  }
  if (a.reading.side_by_side >= 2)
    for (; band + 2 <= end; band += 2) stream_bands<Codes, kRows, 2>(a, t, band, n_begin, n_end);
  for (; band < end; ++band) stream_bands<Codes, kRows, 1>(a, t, band, n_begin, n_end);
}

template <typename Codes>
void stream_rows(const MatmulCodedArgs& a, int64_t t, int64_t n_begin, int64_t n_end) {
  switch (a.x.rows - t) {
    case 1:
      return stream<Codes, 1>(a, t, n_begin, n_end);
    case 2:
      return stream<Codes, 2>(a, t, n_begin, n_end);
    case 3:
      return stream<Codes, 3>(a, t, n_begin, n_end);
    case 4:
      return stream<Codes, 4>(a, t, n_begin, n_end);
    case 5:
      return stream<Codes, 5>(a, t, n_begin, n_end);
    case 6:
      return stream<Codes, 6>(a, t, n_begin, n_end);
    case 7:
      return stream<Codes, 7>(a, t, n_begin, n_end);
    case 8:
      return stream<Codes, 8>(a, t, n_begin, n_end);
  }
}

}  // namespace
