// Products of bfloat16 matrices with activations as three bfloat16 parts (op_args.h, SplitRows), in the tile
// registers of AMX, which coded_body_amx.h before this file sets up.
//
// A register of weights has 16 rows of the matrix, 32 columns each, just as they lie in memory; one of
// activations has those columns of 16 rows, in pairs. Every output is one sum in a register: step after step
// of 32 columns, in a step first parts, then second, then third. So it does not depend on how many rows or
// columns share a call.
#pragma once

namespace {

using nestor::kernels::kSplitDepth;
using nestor::kernels::kSplitParts;
using nestor::kernels::MatmulPartsArgs;
using nestor::kernels::SplitRows;
using nestor::kernels::SplitRowsArgs;

constexpr int64_t kRegisterBytes = 1024;
constexpr int64_t kLineBytes = 64;  // a row of a register
static_assert(kRowGroup == 16 && kSplitDepth == 32 && kSplitParts == 3);

// Turns 16 rows of 16 numbers of four bytes into columns.
inline void turn_sixteen(__m512i (&r)[16]) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    for (int j = 0; j < 2; ++j) {
      r[i + 2 * j] = _mm512_unpacklo_epi64(t[i + j], t[i + j + 2]);
      r[i + 2 * j + 1] = _mm512_unpackhi_epi64(t[i + j], t[i + j + 2]);
    }
  }
  for (int i = 0; i < 16; i += 8) {
    for (int j = 0; j < 4; ++j) {
      t[i + j] = _mm512_shuffle_i32x4(r[i + j], r[i + j + 4], 0x88);
      t[i + j + 4] = _mm512_shuffle_i32x4(r[i + j], r[i + j + 4], 0xDD);
    }
  }
  for (int j = 0; j < 8; ++j) {
    r[j] = _mm512_shuffle_i32x4(t[j], t[j + 8], 0x88);
    r[j + 8] = _mm512_shuffle_i32x4(t[j], t[j + 8], 0xDD);
  }
}

// The upper halves of 32 numbers, in order.
inline __m512i upper_halves(__m512i low, __m512i high) {
  const __m512i odd = _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49, 47, 45, 43, 41, 39, 37, 35, 33, 31, 29,
                                       27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
  return _mm512_permutex2var_epi16(low, odd, high);
}

// The split rows of one group from some step on: a register reads 16 numbers of four bytes from every pair of
// columns, whatever the group has; sums of rows that there are none of are not stored.
struct GroupParts {
  uint16_t* at;
  int64_t rows;

  GroupParts(const SplitRows& x, int64_t group, int64_t step)
      : at(x.parts), rows(x.rows - group * kRowGroup < kRowGroup ? x.rows - group * kRowGroup : kRowGroup) {
    at += group * x.steps * of_step(kRowGroup) + step * of_step(rows);
  }
  static int64_t of_part(int64_t rows) { return kSplitDepth * rows; }
  static int64_t of_step(int64_t rows) { return kSplitParts * of_part(rows); }
  int64_t stride() const { return 4 * rows; }  // bytes from one pair of columns to the next
  void advance() { at += of_step(rows); }
};

// 32 columns of the group's rows, which begin at t, from `column` on; what is beyond them counts as zero.
inline void split_step(const SplitRowsArgs& a, int64_t t, int64_t column, const GroupParts& to) {
  const __m512i upper = _mm512_set1_epi32((int)0xFFFF0000);
  const __mmask16 meant = (__mmask16)((1U << to.rows) - 1);
  Vec rest[kRowGroup][2];
  for (int64_t i = 0; i < kRowGroup; ++i) {
    const int64_t row = i >= to.rows || a.at == nullptr ? t + i : a.at[t + i];
    for (int64_t h = 0; h < 2; ++h) {
      const int64_t left = i < to.rows ? a.cols - column - h * kLanes : 0;
      const float* x = a.x + row * a.x_stride + column + h * kLanes;
      rest[i][h] = left >= kLanes ? vec_load(x) : left > 0 ? vec_load_part(x, left) : vec_zero();
    }
  }
  for (int64_t p = 0; p < kSplitParts; ++p) {
    __m512i pairs[kRowGroup];
    for (int64_t i = 0; i < kRowGroup; ++i) {
      __m512i part[2];
      for (int64_t h = 0; h < 2; ++h) {
        part[h] = _mm512_and_si512(_mm512_castps_si512(rest[i][h]), upper);
        rest[i][h] = _mm512_sub_ps(rest[i][h], _mm512_castsi512_ps(part[h]));
      }
      pairs[i] = upper_halves(part[0], part[1]);
    }
    turn_sixteen(pairs);
    uint16_t* out = to.at + p * GroupParts::of_part(to.rows);
    for (int64_t i = 0; i < kSplitDepth / 2; ++i)
      _mm512_mask_storeu_epi32(out + i * 2 * to.rows, meant, pairs[i]);
  }
}

void split_rows(const SplitRowsArgs& a, int64_t row_begin, int64_t row_end) {
  for (int64_t t = row_begin; t < row_end; t += kRowGroup) {
    GroupParts to(a.to, t / kRowGroup, a.first_step);
    for (int64_t column = 0; column < a.cols; column += kSplitDepth, to.advance())
      split_step(a, t, column, to);
  }
}

// Registers: 0 to 3 sums of up to four bands, 4 weights, 5 to 7 the parts of the activations.
inline void load_parts(const GroupParts& x) {
  _tile_loadd(5, x.at, x.stride());
  _tile_loadd(6, x.at + GroupParts::of_part(x.rows), x.stride());
  _tile_loadd(7, x.at + 2 * GroupParts::of_part(x.rows), x.stride());
}

// The intrinsics take the number of a register as it is written, so there is one line for each.
template <int kBand>
inline void add_band(const uint8_t* w, int64_t stride) {
  _tile_loadd(4, w, stride);
  if constexpr (kBand == 0) {
    _tile_dpbf16ps(0, 4, 5);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(0, 4, 7);
  }
  if constexpr (kBand == 1) {
    _tile_dpbf16ps(1, 4, 5);
    _tile_dpbf16ps(1, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
  }
  if constexpr (kBand == 2) {
    _tile_dpbf16ps(2, 4, 5);
    _tile_dpbf16ps(2, 4, 6);
    _tile_dpbf16ps(2, 4, 7);
  }
  if constexpr (kBand == 3) {
    _tile_dpbf16ps(3, 4, 5);
    _tile_dpbf16ps(3, 4, 6);
    _tile_dpbf16ps(3, 4, 7);
  }
}

struct BandSums {
  alignas(64) float at[kBandRows][kRowGroup];
};

// Sums of kBands bands from zero or from where they wait, and back.
template <int kBands>
inline void begin_sums(const BandSums* sums, bool first) {
  if (first) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    return;
  }
  _tile_loadd(0, sums[0].at, kLineBytes);
  if constexpr (kBands > 1) _tile_loadd(1, sums[1].at, kLineBytes);
  if constexpr (kBands > 2) _tile_loadd(2, sums[2].at, kLineBytes);
  if constexpr (kBands > 3) _tile_loadd(3, sums[3].at, kLineBytes);
}

template <int kBands>
inline void end_sums(BandSums* sums) {
  _tile_stored(0, sums[0].at, kLineBytes);
  if constexpr (kBands > 1) _tile_stored(1, sums[1].at, kLineBytes);
  if constexpr (kBands > 2) _tile_stored(2, sums[2].at, kLineBytes);
  if constexpr (kBands > 3) _tile_stored(3, sums[3].at, kLineBytes);
}

// Sums of the band whose first column of y is n to rows t to t + rows of y.
inline void store_band(const MatmulPartsArgs& a, const BandSums& sums, int64_t t, int64_t rows, int64_t n,
                       int64_t n_end) {
  __m512i r[16];
  for (int64_t i = 0; i < 16; ++i) r[i] = _mm512_load_si512(sums.at[i]);
  turn_sixteen(r);
  const int64_t columns = n_end - n;
  const __mmask16 meant = columns >= kBandRows ? (__mmask16)-1 : (__mmask16)((1U << columns) - 1);
  for (int64_t i = 0; i < rows; ++i)
    _mm512_mask_storeu_ps(a.y + (t + i) * a.y_stride + n, meant, _mm512_castsi512_ps(r[i]));
}

// Few activations: memory is the limit, so two bands come straight from there as 32 streams.
inline void stream_parts(const MatmulPartsArgs& a, int64_t n) {
  constexpr int64_t kAhead = 256;
  BandSums sums[2];
  const int64_t stride = a.w.row_bytes, bytes = a.w.cols * 2;
  const uint8_t* w = a.w.data + n * stride;
  begin_sums<2>(sums, true);
  GroupParts x(a.x, 0, 0);
  for (int64_t s = 0; s < a.x.steps; ++s, x.advance()) {
    // Along the rows, and at their end in those of the next bands.
    const int64_t ahead =
        (s * kLineBytes + kAhead) + (s * kLineBytes + kAhead < bytes ? 0 : 2 * kBandRows * stride - bytes);
    for (int64_t r = 0; r < 2 * kBandRows; ++r)
      _mm_prefetch((const char*)(w + r * stride + ahead), _MM_HINT_T0);
    load_parts(x);
    // The sums of both bands in turns, so that neither waits for its last product to end.
    _tile_loadd(3, w + s * kLineBytes, stride);
    _tile_loadd(4, w + s * kLineBytes + kBandRows * stride, stride);
    _tile_dpbf16ps(0, 3, 5);
    _tile_dpbf16ps(1, 4, 5);
    _tile_dpbf16ps(0, 3, 6);
    _tile_dpbf16ps(1, 4, 6);
    _tile_dpbf16ps(0, 3, 7);
    _tile_dpbf16ps(1, 4, 7);
  }
  end_sums<2>(sums);
  for (int64_t j = 0; j < 2; ++j) store_band(a, sums[j], 0, a.x.rows, n + j * kBandRows, n + 2 * kBandRows);
}

// Many activations: four bands and some steps are put together in the first cache, where all groups of rows
// meet them; sums wait in the second for the next steps.
constexpr int64_t kDepthSteps = 8;
constexpr int64_t kBandsAtOnce = 4;
constexpr int64_t kPanelColumns = 2 * kBandsAtOnce * kBandRows;
constexpr int64_t kPanelGroups = 32;

struct WeightPanel {
  alignas(64) uint8_t at[kDepthSteps][kBandsAtOnce][kRegisterBytes];
};

struct WaitingSums {
  BandSums at[kPanelColumns / (kBandsAtOnce * kBandRows)][kPanelGroups][kBandsAtOnce];
};

// Rows [n, n_end) of the matrix, at most four bands, and `steps` steps; zero beyond.
inline void fill_parts_panel(const nestor::quant::MatrixView& w, int64_t n, int64_t n_end, int64_t step,
                             int64_t steps, WeightPanel* to) {
  const int64_t rows = (n_end - n + kBandRows - 1) / kBandRows * kBandRows;
  for (int64_t r = 0; r < rows; ++r) {
    const uint8_t* from = w.data + (n + r) * w.row_bytes + step * kLineBytes;
    for (int64_t s = 0; s < steps; ++s) {
      const int64_t columns = n + r < n_end ? w.cols - (step + s) * kSplitDepth : 0;
      const __mmask32 meant = columns >= kSplitDepth ? (__mmask32)-1 : (__mmask32)((1ULL << columns) - 1);
      _mm512_store_si512(to->at[s][r / kBandRows] + r % kBandRows * kLineBytes,
                         _mm512_maskz_loadu_epi16(meant, from + s * kLineBytes));
    }
  }
}

// Where the next panel comes from, fetched beside the arithmetic on this one, evenly.
struct NextPanel {
  const uint8_t* rows;
  int64_t row_bytes;
  int64_t line, lines, share;

  inline void fetch() {
    const int64_t end = line + share < lines ? line + share : lines;
    for (; line < end; ++line)
      _mm_prefetch((const char*)(rows + line / kDepthSteps * row_bytes + line % kDepthSteps * kLineBytes),
                   _MM_HINT_T1);
  }
};

// One panel and one group of rows.
template <int kBands>
inline void add_panel(const WeightPanel& w, int64_t steps, GroupParts x, bool first, NextPanel* next,
                      BandSums* sums) {
  begin_sums<kBands>(sums, first);
  for (int64_t s = 0; s < steps; ++s, x.advance()) {
    next->fetch();
    const int64_t numbers = GroupParts::of_step(x.rows);
    for (int64_t i = 0; i < numbers; i += 32) _mm_prefetch((const char*)(x.at + numbers + i), _MM_HINT_T0);
    load_parts(x);
    add_band<0>(w.at[s][0], kLineBytes);
    if constexpr (kBands > 1) add_band<1>(w.at[s][1], kLineBytes);
    if constexpr (kBands > 2) add_band<2>(w.at[s][2], kLineBytes);
    if constexpr (kBands > 3) add_band<3>(w.at[s][3], kLineBytes);
  }
  end_sums<kBands>(sums);
}

// What one call of panel_parts works on: groups [group, group_end), columns of y [n, n_end).
struct PartsBlock {
  int64_t group, group_end;
  int64_t n, n_end;
};

// Four bands (or what is left) from `n` on and kDepthSteps steps from `step` on, for all groups.
inline void add_panels(const MatmulPartsArgs& a, const PartsBlock& block, int64_t n, int64_t step,
                       BandSums (*sums)[kBandsAtOnce]) {
  constexpr int64_t kColumns = kBandsAtOnce * kBandRows;
  const int64_t steps = a.x.steps - step < kDepthSteps ? a.x.steps - step : kDepthSteps;
  const int64_t end = block.n_end - n < kColumns ? block.n_end : n + kColumns;
  const int64_t groups = block.group_end - block.group;
  WeightPanel panel;
  fill_parts_panel(a.w, n, end, step, steps, &panel);
  written_to_memory();
  const bool more = end < block.n_end;
  NextPanel next = {
      a.w.data + (more ? end : block.n) * a.w.row_bytes + (more ? step : step + kDepthSteps) * kLineBytes,
      a.w.row_bytes, 0, kColumns * kDepthSteps,
      (kColumns * kDepthSteps + groups * steps - 1) / (groups * steps)};
  for (int64_t g = block.group; g < block.group_end; ++g) {
    const GroupParts x(a.x, g, step);
    BandSums* own = sums[g - block.group];
    switch ((end - n + kBandRows - 1) / kBandRows) {
      case 1:
        add_panel<1>(panel, steps, x, step == 0, &next, own);
        break;
      case 2:
        add_panel<2>(panel, steps, x, step == 0, &next, own);
        break;
      case 3:
        add_panel<3>(panel, steps, x, step == 0, &next, own);
        break;
      default:
        add_panel<4>(panel, steps, x, step == 0, &next, own);
    }
  }
}

inline void panel_parts(const MatmulPartsArgs& a, const PartsBlock& block) {
  constexpr int64_t kColumns = kBandsAtOnce * kBandRows;
  WaitingSums sums;
  for (int64_t step = 0; step < a.x.steps; step += kDepthSteps) {
    for (int64_t n = block.n; n < block.n_end; n += kColumns)
      add_panels(a, block, n, step, sums.at[(n - block.n) / kColumns]);
  }
  for (int64_t g = block.group; g < block.group_end; ++g) {
    const int64_t t = g * kRowGroup;
    const int64_t rows = a.x.rows - t < kRowGroup ? a.x.rows - t : kRowGroup;
    for (int64_t n = block.n; n < block.n_end; n += kBandRows) {
      const int64_t at = (n - block.n) / kBandRows;
      store_band(a, sums.at[at / kBandsAtOnce][g - block.group][at % kBandsAtOnce], t, rows, n, block.n_end);
    }
  }
}

void matmul_parts(const MatmulPartsArgs& a, int64_t n_begin, int64_t n_end) {
  const TileRegisters registers;
  int64_t n = n_begin;
  if (a.x.rows <= kRowGroup && a.w.cols % kSplitDepth == 0) {
    for (; n + 2 * kBandRows <= n_end; n += 2 * kBandRows) stream_parts(a, n);
  }
  const int64_t groups = (a.x.rows + kRowGroup - 1) / kRowGroup;
  for (int64_t group = 0; group < groups; group += kPanelGroups) {
    const int64_t group_end = groups - group < kPanelGroups ? groups : group + kPanelGroups;
    for (int64_t at = n; at < n_end; at += kPanelColumns)
      panel_parts(a, {group, group_end, at, n_end - at < kPanelColumns ? n_end : at + kPanelColumns});
  }
}

}  // namespace
