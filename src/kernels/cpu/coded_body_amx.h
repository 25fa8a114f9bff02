// Products of tiles with more than eight activations, in the tile registers of AMX; fewer go the way of
// coded_body_avx512.h, which comes before this file.
//
// A unit is 16 activations x 64 columns times 64 columns x 16 rows of the matrix: whole numbers, exact, which
// leave their register through memory to meet their scales. Sum times scale of the matrix is rounded once,
// and then added as everywhere else: the same bits as in all sets. While a unit is in the tile registers, the
// one before gets its scales.
#pragma once

#include <string.h>

namespace {

// All eight tile registers with 16 rows of 64 bytes. A constant in memory, as g++ 12 takes the instruction
// that reads it for one that reads eight bytes.
struct TileConfig {
  uint8_t palette, start_row, reserved[14];
  uint16_t bytes_of_row[16];
  uint8_t rows[16];
};
constexpr TileConfig kTileConfig = {
    1, 0, {}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};

// Sets up the tile registers of this thread.
class TileRegisters {
 public:
  TileRegisters() { _tile_loadconfig(&kTileConfig); }
  ~TileRegisters() { _tile_release(); }
  TileRegisters(const TileRegisters&) = delete;
  TileRegisters& operator=(const TileRegisters&) = delete;
};

// g++ 12 does not know that loading a tile register reads memory: what was written must be there before.
inline void written_to_memory() { asm volatile("" : : : "memory"); }

using UnitShape = PanelShape<2, 8, 128>;
constexpr int64_t kUnitRows = 16;
static_assert(kUnitRows == kRowGroup && kUnitRows == kBandRows && UnitShape::kActivations % kUnitRows == 0);

// A panel (coded_panels_body.h) of signed codes.
struct SignedQ8 {
  using Codes = CodesQ8;
  static inline void unpack(const uint8_t* codes, uint8_t* panel) {
    memcpy(panel, codes, (size_t)kPanelScales);
  }
};

struct SignedQ4 {
  using Codes = CodesQ4;
  static inline void unpack(const uint8_t* codes, uint8_t* panel) {
    const __m512i eight = _mm512_set1_epi8(8);
    for (int q = 0; q < kSteps; ++q) {
      __m512i low, high;
      CodesQ4::step(codes, q, &low, &high);
      _mm512_store_si512(panel + 64 * q, _mm512_sub_epi8(low, eight));
      _mm512_store_si512(panel + 64 * (q + kSteps), _mm512_sub_epi8(high, eight));
    }
  }
};

// Up to 16 activations of one group, block after block of one panel.
struct UnitRows {
  const int8_t* codes;
  const float* scales;
};

// The same with rows of zeros up to 16, for a group that has fewer.
struct PaddedRows {
  alignas(64) int8_t codes[UnitShape::kBlocks][kUnitRows][kTileDepth];
  float scales[UnitShape::kBlocks][kUnitRows];

  inline UnitRows fill(const EncodedRows& x, int64_t t, int64_t block, int64_t blocks) {
    const int64_t count = x.rows - t;
    memset(this, 0, sizeof *this);
    for (int64_t b = 0; b < blocks; ++b) {
      const int64_t at = encoded_block(x, t, block + b);
      memcpy(codes[b], x.codes + at * kTileDepth, (size_t)(count * kTileDepth));
      memcpy(scales[b], x.scales + at, (size_t)count * sizeof(float));
    }
    return {codes[0][0], scales[0]};
  }
};

inline void multiply_unit(const int8_t* x, const uint8_t* panel, int32_t (*sums)[kBandRows]) {
  _tile_zero(2);
  _tile_loadd(0, x, kTileDepth);
  _tile_loadd(1, panel, 4 * kBandRows);
  _tile_dpbssd(2, 0, 1);
  _tile_stored(2, sums, sizeof sums[0]);
}

inline void scale_unit(const int32_t (*whole)[kBandRows], const uint8_t* panel, const float* x_scales,
                       Vec* sums) {
  const Vec scale = _mm512_load_ps((const float*)(panel + kPanelScales));
#pragma GCC unroll 16
  for (int i = 0; i < kUnitRows; ++i) {
    const Vec scaled = vec_mul(_mm512_cvtepi32_ps(_mm512_load_si512(whole[i])), scale);
    sums[i] = vec_fma(vec_set(x_scales[i]), scaled, sums[i]);
  }
}

// Adds the blocks of one band's panel to the sums of 16 activations, which begin with the one numbered `row`.
inline void unit_rows(const UnitRows& x, const UnitShape::Panel& panel, int64_t band, int64_t row,
                      UnitShape::Ahead& ahead, UnitShape::Sums& sums_at) {
  alignas(64) int32_t whole[2][kUnitRows][kBandRows];
  written_to_memory();
  Vec sums[kUnitRows];
  for (int i = 0; i < kUnitRows; ++i)
    sums[i] = panel.first == 0 ? vec_zero() : _mm512_load_ps(sums_at.at[row + i][band]);
  const uint8_t* w = panel.at[band];
  for (int64_t b = 0; b <= panel.blocks; ++b, w += kPanelBytes) {
    if (b < panel.blocks) {
      ahead.fetch();
      multiply_unit(x.codes + b * kUnitRows * kTileDepth, w, whole[b % 2]);
    }
    if (b > 0) scale_unit(whole[(b - 1) % 2], w - kPanelBytes, x.scales + (b - 1) * kUnitRows, sums);
  }
  for (int i = 0; i < kUnitRows; ++i) _mm512_store_ps(sums_at.at[row + i][band], sums[i]);
}

// Sixteen activations at a time.
template <typename Signed>
struct UnitPasses : UnitShape {
  static constexpr int64_t kTileBytes = Signed::Codes::kBytes;

  static inline void run(const MatmulCodedArgs& a, const PanelRange& r, Panel& panel, Ahead& ahead,
                         Sums& sums) {
    for (int64_t j = 0; j < kBands; ++j) {
      for (int64_t b = 0; b < panel.blocks; ++b)
        fill(panel.tiles[j] + b * kTileBytes, panel.at[j] + b * kPanelBytes);
    }
    const EncodedRows& e = a.x;
    PaddedRows padded;
    for (int64_t t = r.t_begin; t < r.t_end; t += kUnitRows) {
      const int64_t at = encoded_block(e, t, panel.first);
      const UnitRows x = t + kUnitRows <= e.rows ? UnitRows{e.codes + at * kTileDepth, e.scales + at}
                                                 : padded.fill(e, t, panel.first, panel.blocks);
      ahead.begin_pass(kBands * panel.blocks);
      for (int64_t j = 0; j < kBands; ++j) unit_rows(x, panel, j, t - r.t_begin, ahead, sums);
      ahead.fetch_y(t - r.t_begin, (t + kUnitRows < r.t_end ? t + kUnitRows : r.t_end) - r.t_begin);
    }
    if (panel.is_last(e)) put(a, r, sums);
  }

  static inline void fill(const uint8_t* tile, uint8_t* panel) {
    Signed::unpack(tile + kTileScaleBytes, panel);
    _mm512_store_ps((float*)(panel + kPanelScales), load_bf16(tile));
  }
};

void matmul_coded_amx(const MatmulCodedArgs& a, int64_t n_begin, int64_t n_end) {
  if (a.x.rows <= kFewRows) return matmul_coded(a, n_begin, n_end);
  const TileRegisters registers;
  if (a.w.format == nestor::quant::Format::q4) {
    panel_product<UnitPasses<SignedQ4>>(a, a.x.rows, n_begin, n_end);
  } else {
    panel_product<UnitPasses<SignedQ8>>(a, a.x.rows, n_begin, n_end);
  }
}

}  // namespace
