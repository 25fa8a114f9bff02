// Attention over a step of several sequences: however rows are shared out among workers, the bits of rows one
// by one.
#include "layers/attention.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "kernels/registry.h"
#include "quant/number.h"
#include "support/kernel_sets.h"
#include "support/random_floats.h"
#include "support/tiles.h"

namespace nestor::layers {
namespace {

using kernels::Format;
using testing::random_floats;

constexpr std::int64_t kPagePositions = 64;

// Sizes that nothing divides, and heads that are no multiple of those that a worker takes.
constexpr AttentionShape kShape = {.hidden = 100,
                                   .heads = 6,
                                   .q_rank = 70,
                                   .kv_rank = 72,
                                   .nope = 40,
                                   .rope = 20,
                                   .value = 36,
                                   .norm_eps = 1e-5F,
                                   .q_factor = 0.2F,
                                   .kv_factor = 1.1F};

// A matrix of random numbers in q8 or bfloat16.
class Weight {
 public:
  Weight(Format format, std::int64_t rows, std::int64_t cols, std::uint64_t stream) {
    auto values = random_floats(rows * cols, stream);
    for (float& v : values) v /= std::sqrt(static_cast<float>(cols));
    if (format == Format::q8) {
      view_ = tiles_.emplace(format, values, rows, cols).view;
      return;
    }
    for (const float v : values) bits_.push_back(quant::to_bf16(v));
    view_ = quant::matrix_view(reinterpret_cast<const std::uint8_t*>(bits_.data()), format, rows, cols);
  }
  const kernels::MatrixView& view() const { return view_; }

 private:
  std::optional<testing::Tiles> tiles_;
  std::vector<std::uint16_t> bits_;
  kernels::MatrixView view_{};
};

struct Weights {
  static constexpr const AttentionShape& s = kShape;
  explicit Weights(Format of) : format(of) {}

  Format format;
  Weight q_a{format, s.q_rank, s.hidden, 1};
  Weight q_b{format, s.heads*(s.nope + s.rope), s.q_rank, 2};
  Weight kv_a{format, s.kv_rank + s.rope, s.hidden, 3};
  Weight kv_b{format, s.heads*(s.nope + s.value), s.kv_rank, 4};
  Weight o{format, s.hidden, s.heads* s.value, 5};
  std::vector<float> ones = std::vector<float>(static_cast<std::size_t>(s.hidden), 1.0F);

  AttentionWeights view() const {
    return {q_a.view(), ones.data(), q_b.view(), kv_a.view(), ones.data(), kv_b.view(), o.view()};
  }
};

// Pages of one sequence.
struct Pages {
  std::vector<std::vector<std::uint8_t>> bytes;
  std::vector<std::uint8_t*> data;

  Pages(const kernels::RecordLayout& layout, std::int64_t positions) {
    for (std::int64_t p = 0; p < positions; p += kPagePositions)
      bytes.emplace_back(static_cast<std::size_t>(kernels::module_bytes(layout)));
    for (auto& page : bytes) data.push_back(page.data());
  }
};

// How many tokens each sequence of a step has: short ones before, between and behind long ones, and a prompt
// that is not a multiple of what a worker takes.
constexpr std::array<std::int64_t, 7> kTokens = {1, 3, 150, 1, 64, 63, 1};

class Attention : public ::testing::TestWithParam<std::tuple<std::string, Format, Format>> {
 protected:
  const Weights weights{std::get<1>(GetParam())};
  const kernels::RecordLayout layout{std::get<2>(GetParam()), kShape.kv_rank, kShape.kv_rank + kShape.rope,
                                     kPagePositions, 0};
  const Rotary rotary{std::vector<float>(static_cast<std::size_t>(kShape.rope / 2), 0.3F)};

  // Outputs of all sequences, `at_once` tokens of each in a step.
  std::vector<float> outputs(int threads, std::int64_t at_once) const {
    kernels::Team team(threads);
    kernels::Arena arena;
    kernels::Work work;
    const kernels::Context ctx{kernels::select_set(std::get<0>(GetParam()), cpu_info()), team, arena, work};
    std::vector<Pages> pages;
    for (const std::int64_t count : kTokens) pages.emplace_back(layout, count);
    std::int64_t all = 0;
    for (const std::int64_t count : kTokens) all += count;
    auto x = random_floats(all * kShape.hidden, 6);
    std::vector<float> y(x.size());
    for (std::int64_t first = 0; first < 150; first += at_once) {
      std::vector<kernels::AttendRow> rows;
      std::vector<std::int64_t> positions;
      std::vector<float> step_x;
      std::vector<std::int64_t> from;
      std::int64_t start = 0;
      for (std::size_t i = 0; i < kTokens.size(); start += kTokens[i], ++i) {
        for (std::int64_t p = first; p < std::min(first + at_once, kTokens[i]); ++p) {
          rows.push_back({pages[i].data.data(), p + 1});
          positions.push_back(p);
          from.push_back(start + p);
          const auto row = x.begin() + (start + p) * kShape.hidden;
          step_x.insert(step_x.end(), row, row + kShape.hidden);
        }
      }
      const kernels::Arena::Scope scope(arena);
      const RotaryAngles angles(arena, rotary, positions);
      const AttentionWeights w = weights.view();
      std::vector<float> out(step_x.size());
      const auto count = std::ssize(rows);
      const auto input = kernels::input_of(ctx, {step_x.data(), kShape.hidden}, count, kShape.hidden,
                                           kernels::forms_of(ctx, std::array{&w.kv_a, &w.q_a}));
      attention(ctx, kShape, w, {layout, rows, angles}, input, {out.data(), kShape.hidden});
      for (std::int64_t t = 0; t < count; ++t)
        std::copy_n(out.begin() + t * kShape.hidden, kShape.hidden,
                    y.begin() + from[static_cast<std::size_t>(t)] * kShape.hidden);
    }
    return y;
  }
};

TEST_P(Attention, OfPromptsIsTheBitsOfTokensOneByOne) {
  const auto one_by_one = outputs(1, 1);
  for (const int threads : {1, 2, 3, 20})  // the last are too many for workers to go their own ways
    EXPECT_EQ(outputs(threads, 150), one_by_one) << threads << " threads";
  EXPECT_EQ(outputs(2, 70), one_by_one) << "70 tokens at a time";
}

TEST_P(Attention, CountsTheSameWorkHoweverItIsSharedOut) {
  kernels::Work of[2];
  for (const int threads : {1, 20}) {
    kernels::Team team(threads);
    kernels::Arena arena;
    const kernels::Context ctx{kernels::select_set(std::get<0>(GetParam()), cpu_info()), team, arena,
                               of[threads == 1 ? 0 : 1]};
    Pages pages(layout, 150);
    std::vector<kernels::AttendRow> rows;
    std::vector<std::int64_t> positions;
    for (std::int64_t p = 0; p < 150; ++p) {
      rows.push_back({pages.data.data(), p + 1});
      positions.push_back(p);
    }
    auto x = random_floats(150 * kShape.hidden, 7);
    std::vector<float> y(x.size());
    const AttentionWeights w = weights.view();
    const auto input = kernels::input_of(ctx, {x.data(), kShape.hidden}, 150, kShape.hidden,
                                         kernels::forms_of(ctx, std::array{&w.kv_a, &w.q_a}));
    attention(ctx, kShape, w, {layout, rows, RotaryAngles(arena, rotary, positions)}, input,
              {y.data(), kShape.hidden});
  }
  EXPECT_EQ(of[0].code_products, of[1].code_products);
  EXPECT_EQ(of[0].float_products, of[1].float_products);
  EXPECT_EQ(of[0].weight_bytes, of[1].weight_bytes);
  EXPECT_GT(of[0].code_products + of[0].float_products, 0);
}

INSTANTIATE_TEST_SUITE_P(Sets, Attention,
                         ::testing::Combine(::testing::ValuesIn(testing::kernel_sets()),
                                            ::testing::Values(Format::q8, Format::bf16),
                                            ::testing::Values(Format::q8, Format::bf16)),
                         [](const auto& test) {
                           return std::get<0>(test.param) + "_" +
                                  std::string(quant::name_of(std::get<1>(test.param))) + "_cache_" +
                                  std::string(quant::name_of(std::get<2>(test.param)));
                         });

}  // namespace
}  // namespace nestor::layers
