// The operations as layers call them: whole matrices, cut into tiles for the team. Letters: T rows, K and N
// sizes. One thread owns a Context. Results depend neither on the number of threads nor on how many rows
// share a call.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "kernels/arena.h"
#include "kernels/op_args.h"
#include "kernels/parallel.h"
#include "kernels/streams.h"
#include "kernels/work.h"

namespace nestor::kernels {

/// Rows of float32 with a stride.
struct Rows {
  float* data;
  std::int64_t stride;  // floats from one row to the next

  float* row(std::int64_t t) const { return data + t * stride; }
};

/// Sees what matrices are multiplied with, one call for each product, by the thread that owns the Context.
class InputSink {
 public:
  virtual ~InputSink() = default;
  /// x [rows, w.cols] as floats.
  virtual void see(const MatrixView& w, Rows x, std::int64_t rows) = 0;
};

struct Context {
  const OpTable& ops;
  Team& team;
  Arena& arena;
  Work& work;
  InputSink* inputs = nullptr;
  const Streams& streams = kBuiltInStreams;
};

struct LayerNormWeights {
  const float* weight;  // [cols]
  const float* bias;    // [cols]
};

struct RmsNorm {
  const float* weight;  // [cols]
  std::int64_t cols;
  float eps;
  float scale;
};

/// Forms of an input: as it is, as codes of eight bits (op_args.h, EncodedRows), as three bfloat16 parts
/// (SplitRows) or rounded to one (RoundedRows).
struct Forms {
  bool floats = false, codes = false, parts = false, rounded = false;
};

/// Rows that one or more matrices are multiplied with, in one form or several. A product takes codes if the
/// matrix is in tiles and the set multiplies those; parts or rounded numbers if the matrix is in bfloat16 and
/// there are such; else floats.
struct Input {
  Rows x;
  std::int64_t rows;
  std::optional<EncodedRows> codes = std::nullopt;
  std::optional<SplitRows> parts = std::nullopt;
  std::optional<RoundedRows> rounded = std::nullopt;

  bool has_floats_only() const { return !codes && !parts && !rounded; }
};

/// `rows` x `cols` floats from the arena; the stride may be larger than `cols`.
Rows take_rows(Arena& arena, std::int64_t rows, std::int64_t cols);

/// body(tile, worker) for every tile, by the team if `cost` (multiply-adds in all) is worth waking it for.
void for_tiles(const Context& ctx, std::int64_t tiles, std::int64_t cost, TileBody body);

/// Whether products with the matrix take codes.
bool takes_codes(const Context& ctx, const MatrixView& w);

/// The forms in which products with these matrices should have their input. The same for every number of
/// rows, as the last bits of a product depend on the form.
Forms forms_of(const Context& ctx, std::span<const MatrixView* const> matrices);

/// Room for codes, from the arena.
EncodedRows take_codes(const Context& ctx, std::int64_t rows, std::int64_t cols);

/// x with room for what `forms` has besides floats.
Input take_forms(const Context& ctx, Rows x, std::int64_t rows, std::int64_t cols, Forms forms);

/// Fills the forms of `to` besides floats, by the calling thread: rows [begin, end) from those of x, which
/// has columns [column, column + cols) of them. `begin` is a multiple of kRowGroup, `column` one of 64.
void fill_forms(const Context& ctx, Rows x, std::int64_t column, std::int64_t cols, const Input& to,
                std::int64_t begin, std::int64_t end);

/// x [T, cols] in these forms.
Input input_of(const Context& ctx, Rows x, std::int64_t rows, std::int64_t cols, Forms forms);

/// RMSNorm(x) * scale as an input for products, in these forms and as floats: y [T, cols]. Row by row while a
/// row is near. y may be x.
Input normed_input(const Context& ctx, Rows x, std::int64_t rows, const RmsNorm& norm, Rows y, Forms forms);

/// Room for `rows` rows of an input, in these forms, and as floats if somebody watches inputs.
Input take_input(const Context& ctx, std::int64_t rows, std::int64_t cols, Forms forms);

/// Fills such room with rows `at` of an input that has these forms and floats, by the calling thread.
void gather(const Context& ctx, const Input& from, std::span<const std::int32_t> at, std::int64_t cols,
            const Input& to);

/// A matrix [N, K] and where its product [T, N] goes.
struct Product {
  const MatrixView* w;
  Rows y;
};

/// Products of one input with several matrices,  as one piece of work for the team.
void multiply(const Context& ctx, const Input& x, std::span<const Product> products);

/// Outputs [begin, end) of y = x times the transpose of w, by the calling thread. x has what w takes.
void multiply_rows(const Context& ctx, const Input& x, const MatrixView& w, Rows y, std::int64_t begin,
                   std::int64_t end);

/// Shows the input of a product to who watches, if anyone does.
void show_input(const Context& ctx, const Input& x, const MatrixView& w);

/// Adds a product of T rows to what was executed.
void count_product(const Context& ctx, std::int64_t rows, const MatrixView& w);

/// y [T, N] = x [T, K] times the transpose of w [N, K]. If w is in tiles, the set may round x to eight bits
/// first, block by block (op_args.h, EncodeRowsArgs).
void matmul(const Context& ctx, Rows x, std::int64_t rows, const MatrixView& w, Rows y);

/// y [T, cols] = RMSNorm(x) * scale; y may be x.
void rms_norm(const Context& ctx, Rows x, std::int64_t rows, const RmsNorm& norm, Rows y);

/// y [T, cols] = LayerNorm(x) with weight and bias; y may be x.
void layer_norm(const Context& ctx, Rows x, std::int64_t rows, const LayerNormWeights& w, std::int64_t cols,
                float eps, Rows y);

/// Softmax over the first `cols` values of every row, in place.
void softmax(const Context& ctx, Rows x, std::int64_t rows, std::int64_t cols);

/// y [T, cols] += factor * x [T, cols].
void add_scaled(const Context& ctx, Rows x, std::int64_t rows, std::int64_t cols, float factor, Rows y);

/// y = the float32 values of one stored row.
void widen_row(const Context& ctx, const MatrixView& w, std::int64_t row, float* y);

}  // namespace nestor::kernels
