// Products of tiles with activations rounded to eight bits, for AVX-512, over the dot product of four bytes
// that the file before this one declares (dot_vnni.h or dot_avx512.h). Lanes are the 16 rows of a band.
//
// Whole-number sums become floats without a conversion: they start from the bits of kMagic = 1.5 * 2^23,
// whose last place is 1, so that the sum, read as a float, is kMagic + sum as long as |sum| < 2^22; it is at
// most 64 * 127 * 127 < 2^20. Multiplied by a scale with the eight bits of a bfloat16, kMagic stays exact,
// and one fused (kMagic + sum) * scale - kMagic * scale is sum * scale, rounded once.
//
// A step takes up to eight activations and two bands, so that each register of codes, once loaded, meets
// several others: 16 whole-number sums, 4 registers of weights. With one activation memory is the limit, and
// three bands are three streams.
#pragma once

#include <string.h>

namespace {

using nestor::kernels::encoded_block;
using nestor::kernels::EncodedRows;
using nestor::kernels::kRowGroup;
using nestor::kernels::MatmulCodedArgs;
using nestor::kernels::start_of;

constexpr int32_t kMagicBits = 0x4B400000;
constexpr float kMagic = 12582912.0F;

// A block of floats to codes; returns the scale, which is not a number if one of the floats is not finite:
// without signs, bits grow with the number, and those of infinity and of what is no number are the largest.
inline float encode_block(const float* x, int8_t* codes, int32_t* sum_of_codes) {
  constexpr int kVecs = (int)(kTileDepth / kLanes);
  constexpr uint32_t kInfinity = 0x7F800000;
  Vec v[kVecs];
  __m512i largest = _mm512_setzero_si512();
  for (int i = 0; i < kVecs; ++i) {
    v[i] = vec_load(x + i * kLanes);
    largest = _mm512_max_epu32(largest, _mm512_castps_si512(_mm512_abs_ps(v[i])));
  }
  const uint32_t bits = _mm512_reduce_max_epu32(largest);
  const float most = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128((int)bits)));
  const Vec inverse = vec_set(most > 1e-30F ? 127.0F / most : 0.0F);
  // In SIMD, where it wraps: codes of a value that is not finite are anything, and the scale says so.
  __m512i sum = _mm512_setzero_si512();
  for (int i = 0; i < kVecs; ++i) {
    const __m512i whole = _mm512_cvtps_epi32(vec_mul(v[i], inverse));
    _mm_storeu_si128((__m128i*)(codes + i * kLanes), _mm512_cvtsepi32_epi8(whole));
    sum = _mm512_add_epi32(sum, whole);
  }
  *sum_of_codes = _mm512_reduce_add_epi32(sum);
  return bits < kInfinity ? most * (1.0F / 127.0F) : __builtin_nanf("");
}

inline void put_starts(const EncodedRows& to, int64_t at, int32_t sum_of_codes) {
  to.starts_q8[at] = start_of(sum_of_codes, kOffsetQ8, kMagicBits);
  to.starts_q4[at] = start_of(sum_of_codes, 8, kMagicBits);
}

// Whole numbers in lanes, and their sums with products of four signed codes; `w` has kOffsetQ8 added.
typedef __m512i Whole;
inline Whole whole_set(int32_t x) { return _mm512_set1_epi32(x); }
inline Whole whole_load(const uint8_t* p) { return _mm512_loadu_si512(p); }
inline Vec whole_to_floats(Whole x) { return _mm512_cvtepi32_ps(x); }
inline Whole add_codes(Whole sums, Whole w, Whole x) { return dot_q8(sums, w, x); }

// Steps of a block: step q has columns 4 q to 4 q + 3 and, in `high`, those kHalfDepth beyond.
constexpr int kSteps = (int)(kTileDepth / 8);
constexpr int kHalfDepth = (int)(kTileDepth / 2);

// Codes of tiles as the dot product takes them.
struct CodesQ8 {
  static constexpr int64_t kBytes = nestor::quant::kTileBytesQ8;
  static inline void step(const uint8_t* codes, int q, __m512i* low, __m512i* high) {
    *low = codes_q8(_mm512_loadu_si512(codes + 64 * q));
    *high = codes_q8(_mm512_loadu_si512(codes + 64 * (q + kSteps)));
  }
  static inline __m512i dot(__m512i sums, __m512i w, FourCodes x) { return dot_q8(sums, w, x); }
  static inline const int32_t* starts(const EncodedRows& x) { return x.starts_q8; }
};

struct CodesQ4 {
  static constexpr int64_t kBytes = nestor::quant::kTileBytesQ4;
  static inline void step(const uint8_t* codes, int q, __m512i* low, __m512i* high) {
    const __m512i both = _mm512_loadu_si512(codes + 64 * q);
    *low = _mm512_and_si512(both, _mm512_set1_epi8(15));
    *high = _mm512_and_si512(_mm512_srli_epi16(both, 4), _mm512_set1_epi8(15));
  }
  static inline __m512i dot(__m512i sums, __m512i w, FourCodes x) { return dot_q4(sums, w, x); }
  static inline const int32_t* starts(const EncodedRows& x) { return x.starts_q4; }
};

// Where the weights of a step come from: the tile itself ...
template <typename Codes>
struct FromTile {
  const uint8_t* tile;
  inline void step(int q, __m512i* low, __m512i* high) const {
    Codes::step(tile + kTileScaleBytes, q, low, high);
  }
  inline void scales(Vec* scale, Vec* back) const {
    *scale = load_bf16(tile);
    *back = vec_mul(*scale, vec_set(-kMagic));
  }
  inline void advance() { tile += Codes::kBytes; }
};

// ... or a panel, which holds the same unpacked for many activations: the codes, 16 scales, 16 times
// -kMagic * scale.
constexpr int64_t kPanelScales = kBandRows * kTileDepth;
constexpr int64_t kPanelBytes = kPanelScales + 128;

struct FromPanel {
  const uint8_t* panel;
  inline void step(int q, __m512i* low, __m512i* high) const {
    *low = _mm512_load_si512(panel + 64 * q);
    *high = _mm512_load_si512(panel + 64 * (q + kSteps));
  }
  inline void scales(Vec* scale, Vec* back) const {
    *scale = _mm512_load_ps(panel + kPanelScales);
    *back = _mm512_load_ps(panel + kPanelScales + 64);
  }
  inline void advance() { panel += kPanelBytes; }
};

template <typename Codes>
inline void fill_panel(const uint8_t* tile, uint8_t* panel) {
  const FromTile<Codes> from = {tile};
  for (int q = 0; q < kSteps; ++q) {
    __m512i low, high;
    from.step(q, &low, &high);
    _mm512_store_si512(panel + 64 * q, low);
    _mm512_store_si512(panel + 64 * (q + kSteps), high);
  }
  Vec scale, back;
  from.scales(&scale, &back);
  _mm512_store_ps((float*)(panel + kPanelScales), scale);
  _mm512_store_ps((float*)(panel + kPanelScales + 64), back);
}

// Activations of one group, block after block.
struct Activations {
  const int8_t* codes;
  const float* scales;
  const int32_t* starts;
  int64_t step;  // blocks from one to the next: rows of the group

  inline void advance() {
    codes += step * kTileDepth;
    scales += step;
    starts += step;
  }
};

template <typename Codes>
inline Activations activations_at(const EncodedRows& x, int64_t t, int64_t block) {
  const int64_t first = t / kRowGroup * kRowGroup;
  const int64_t at = encoded_block(x, t, block);
  return {x.codes + at * kTileDepth, x.scales + at, Codes::starts(x) + at,
          x.rows - first < kRowGroup ? x.rows - first : kRowGroup};
}

// Adds one block to the sums of kRows activations and kBands bands.
template <typename Codes, int kRows, int kBands, typename From>
inline void add_block(const From* w, const Activations& x, Vec (*sums)[kBands]) {
  __m512i whole[kRows][kBands];
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kBands; ++j) whole[i][j] = _mm512_set1_epi32(x.starts[i]);
  }
#pragma GCC unroll 8
  for (int q = 0; q < kSteps; ++q) {
    __m512i low[kBands], high[kBands];
    for (int j = 0; j < kBands; ++j) w[j].step(q, &low[j], &high[j]);
    for (int i = 0; i < kRows; ++i) {
      const FourCodes quad = four_codes_at(x.codes + i * kTileDepth + 4 * q);
      for (int j = 0; j < kBands; ++j) whole[i][j] = Codes::dot(whole[i][j], low[j], quad);
    }
    for (int i = 0; i < kRows; ++i) {
      const FourCodes quad = four_codes_at(x.codes + i * kTileDepth + kHalfDepth + 4 * q);
      for (int j = 0; j < kBands; ++j) whole[i][j] = Codes::dot(whole[i][j], high[j], quad);
    }
  }
  for (int j = 0; j < kBands; ++j) {
    Vec scale, back;
    w[j].scales(&scale, &back);
    for (int i = 0; i < kRows; ++i) {
      const Vec scaled = vec_fma(_mm512_castsi512_ps(whole[i][j]), scale, back);
      sums[i][j] = vec_fma(vec_set(x.scales[i]), scaled, sums[i][j]);
    }
  }
}

// kRows activations of one group from t on, kBands bands from `band` on, read once from memory.
template <typename Codes, int kRows, int kBands>
inline void stream_bands(const MatmulCodedArgs& a, int64_t t, int64_t band, int64_t n_begin, int64_t n_end) {
  FromTile<Codes> w[kBands];
  for (int j = 0; j < kBands; ++j) w[j].tile = a.w.data + (band + j) * a.w.row_bytes;
  Activations x = activations_at<Codes>(a.x, t, 0);
  Vec sums[kRows][kBands];
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kBands; ++j) sums[i][j] = vec_zero();
  }
  for (int64_t b = 0; b < a.x.blocks; ++b, x.advance()) {
    const int64_t at = b * Codes::kBytes;
    const int64_t ahead = fetched_at(at, a.w.row_bytes, (kBands - 1) * a.w.row_bytes) - at;
    for (int j = 0; j < kBands; ++j) {
      for (int64_t line = 0; line < Codes::kBytes; line += 64) {
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
    for (; band + 3 <= end; band += 3) stream_bands<Codes, kRows, 3>(a, t, band, n_begin, n_end);
  }
  for (; band + 2 <= end; band += 2) stream_bands<Codes, kRows, 2>(a, t, band, n_begin, n_end);
  if (band < end) stream_bands<Codes, kRows, 1>(a, t, band, n_begin, n_end);
}

// A panel has kPanelBlocks blocks of two bands and passes over up to kPanelRows activations, whose sums wait
// in the first cache for the next panel.
constexpr int64_t kPanelRows = 128;
constexpr int64_t kPanelBlocks = 8;

struct PanelSums {
  alignas(64) float at[kPanelRows][2][kBandRows];
};

// What is fetched beside the arithmetic on some rows: tiles that the next panel comes from, shared out evenly
// over the blocks of the first half of the rows, and at the last blocks the lines of y that the sums will go
// to.
struct Ahead {
  const uint8_t* bands[2];
  int64_t band_bytes;
  int64_t share, shares;  // that these rows begin with, all
  const float* y;         // or nullptr
  int64_t y_stride;

  inline void fetch(int64_t block) const {
    if (share + block >= shares) return;
    const int64_t begin = (share + block) * band_bytes / shares / 64 * 64;
    const int64_t end = (share + block + 1) * band_bytes / shares;
    for (int64_t byte = begin; byte < end; byte += 64) {
      for (int64_t j = 0; j < 2; ++j) _mm_prefetch((const char*)(bands[j] + byte), _MM_HINT_T0);
    }
  }
};

template <typename Codes, int kRows>
inline void panel_rows(const uint8_t* panels, const EncodedRows& e, int64_t t, int64_t block, int64_t blocks,
                       const Ahead& ahead, float (*sums_at)[2][kBandRows]) {
  FromPanel w[2] = {{panels}, {panels + kPanelBlocks * kPanelBytes}};
  Activations x = activations_at<Codes>(e, t, block);
  Vec sums[kRows][2];
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < 2; ++j) {
      sums[i][j] = block == 0 ? vec_zero() : _mm512_load_ps(sums_at[i][j]);
      if (ahead.y != nullptr)
        _mm_prefetch((const char*)(ahead.y + i * ahead.y_stride + j * kBandRows), _MM_HINT_T0);
    }
  }
  for (int64_t b = 0; b < blocks; ++b, x.advance()) {
    ahead.fetch(b);
    add_block<Codes, kRows, 2>(w, x, sums);
    w[0].advance();
    w[1].advance();
  }
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < 2; ++j) _mm512_store_ps(sums_at[i][j], sums[i][j]);
  }
}

// Activations [t_begin, t_end), at most kPanelRows and from the start of a group, and two bands (or one, as
// the second then counts twice and is not stored). Passes says what a panel holds and how activations meet
// it.
template <typename Passes>
inline void panel_bands(const MatmulCodedArgs& a, int64_t t_begin, int64_t t_end, int64_t band, int64_t bands,
                        int64_t n_begin, int64_t n_end) {
  alignas(64) uint8_t panels[2 * kPanelBlocks * kPanelBytes];
  PanelSums sums;
  const uint8_t* bands_at[2];
  for (int64_t j = 0; j < 2; ++j) bands_at[j] = a.w.data + (band + (j < bands ? j : 0)) * a.w.row_bytes;
  for (int64_t block = 0; block < a.x.blocks; block += kPanelBlocks) {
    const int64_t blocks = a.x.blocks - block < kPanelBlocks ? a.x.blocks - block : kPanelBlocks;
    const bool last = block + blocks == a.x.blocks;
    Ahead ahead{};
    for (int64_t j = 0; j < 2; ++j) {
      const uint8_t* tile = bands_at[j] + block * Passes::kTileBytes;
      for (int64_t b = 0; b < blocks; ++b, tile += Passes::kTileBytes)
        Passes::fill(tile, panels + (j * kPanelBlocks + b) * kPanelBytes);
      // Behind the last block of these bands come the next two, if there are more.
      ahead.bands[j] = last ? bands_at[j] + 2 * a.w.row_bytes : tile;
    }
    ahead.band_bytes = blocks * Passes::kTileBytes;
    ahead.shares = (t_end - t_begin + 15) / 16 * blocks;
    if (last) ahead.y = a.y + t_begin * a.y_stride + band * kBandRows - a.w.first_row;
    ahead.y_stride = a.y_stride;
    Passes::run(panels, a.x, t_begin, t_end, block, blocks, ahead, sums);
  }
  for (int64_t t = t_begin; t < t_end; ++t) {
    for (int64_t j = 0; j < bands; ++j) {
      store_lanes(a.y + t * a.y_stride, _mm512_load_ps(sums.at[t - t_begin][j]),
                  (band + j) * kBandRows - a.w.first_row, n_begin, n_end);
    }
  }
}

template <typename Passes>
void panel_product(const MatmulCodedArgs& a, int64_t n_begin, int64_t n_end) {
  const int64_t end = (a.w.first_row + n_end + kBandRows - 1) / kBandRows;
  for (int64_t t = 0; t < a.x.rows; t += kPanelRows) {
    const int64_t t_end = t + kPanelRows < a.x.rows ? t + kPanelRows : a.x.rows;
    for (int64_t band = (a.w.first_row + n_begin) / kBandRows; band < end; band += 2)
      panel_bands<Passes>(a, t, t_end, band, end - band < 2 ? 1 : 2, n_begin, n_end);
  }
}

// Eight activations at a time, and what is left.
template <typename Codes>
struct VectorPasses {
  static constexpr int64_t kTileBytes = Codes::kBytes;
  static inline void fill(const uint8_t* tile, uint8_t* panel) { fill_panel<Codes>(tile, panel); }
  static inline void run(const uint8_t* panels, const EncodedRows& x, int64_t t_begin, int64_t t_end,
                         int64_t block, int64_t blocks, Ahead ahead, PanelSums& sums) {
    int64_t t = t_begin;
    const auto pass = [&]<int kRows>() {
      panel_rows<Codes, kRows>(panels, x, t, block, blocks, ahead, sums.at + (t - t_begin));
      ahead.share += blocks;
      if (ahead.y != nullptr) ahead.y += kRows * ahead.y_stride;
      t += kRows;
    };
    while (t + 8 <= t_end) pass.template operator()<8>();
    const int64_t left = t_end - t;
    if (left == 1) pass.template operator()<1>();
    if (left == 2) pass.template operator()<2>();
    if (left == 3) pass.template operator()<3>();
    if (left == 4) pass.template operator()<4>();
    if (left == 5) pass.template operator()<5>();
    if (left == 6) pass.template operator()<6>();
    if (left == 7) pass.template operator()<7>();
  }
};

template <typename Codes>
void coded_product(const MatmulCodedArgs& a, int64_t n_begin, int64_t n_end) {
  switch (a.x.rows) {
    case 0:
      return;
    case 1:
      return stream<Codes, 1>(a, 0, n_begin, n_end);
    case 2:
      return stream<Codes, 2>(a, 0, n_begin, n_end);
    case 3:
      return stream<Codes, 3>(a, 0, n_begin, n_end);
    case 4:
      return stream<Codes, 4>(a, 0, n_begin, n_end);
    case 5:
      return stream<Codes, 5>(a, 0, n_begin, n_end);
    case 6:
      return stream<Codes, 6>(a, 0, n_begin, n_end);
    case 7:
      return stream<Codes, 7>(a, 0, n_begin, n_end);
    case 8:
      return stream<Codes, 8>(a, 0, n_begin, n_end);
  }
  panel_product<VectorPasses<Codes>>(a, n_begin, n_end);
}

void matmul_coded(const MatmulCodedArgs& a, int64_t n_begin, int64_t n_end) {
  if (a.w.format == nestor::quant::Format::q4) {
    coded_product<CodesQ4>(a, n_begin, n_end);
  } else {
    coded_product<CodesQ8>(a, n_begin, n_end);
  }
}

}  // namespace
