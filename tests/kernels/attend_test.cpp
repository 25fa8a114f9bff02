// Attention over pages: against sums in double over the same stored records, in every format of the cache;
// rows of one sequence together as alone; any number of threads.
#include "kernels/attend.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <span>

#include "kernels/registry.h"
#include "quant/matrix.h"
#include "quant/number.h"
#include "quant/tile.h"
#include "rounding_unit.h"
#include "support/kernel_sets.h"
#include "support/random_floats.h"

namespace nestor::kernels {
namespace {

using testing::random_floats;

constexpr std::int64_t kPagePositions = 64;

// Records of one sequence, whole pages of them; what lies beyond the last one is rubbish.
struct Cache {
  RecordLayout layout;
  std::vector<std::vector<std::uint8_t>> pages;
  std::vector<std::uint8_t*> page_data;
  std::size_t positions;
  std::vector<double> values;   // [positions, record]
  std::vector<double> largest;  // [positions]

  Cache(const RecordLayout& of, std::int64_t count, std::uint64_t stream)
      : layout(of), positions(static_cast<std::size_t>(count)) {
    const auto drawn = random_floats(count * layout.record, stream);
    for (std::int64_t p = 0; p < count; ++p) {
      if (p % kPagePositions == 0)
        pages.emplace_back(static_cast<std::size_t>(layout.module_offset + module_bytes(layout)), 0xFF);
      store(p, std::span(drawn).subspan(static_cast<std::size_t>(p * layout.record),
                                        static_cast<std::size_t>(layout.record)));
    }
    for (auto& page : pages) page_data.push_back(page.data());
    decode();
  }

  void store(std::int64_t position, std::span<const float> record) {
    const MatrixView m = records_of(layout, pages.back().data());
    std::uint8_t* data = pages.back().data() + layout.module_offset;
    const std::int64_t row = position % kPagePositions;
    if (layout.format == Format::q8)
      return quant::encode_row_q8(record, layout.latent, row % 16, data + row / 16 * m.row_bytes);
    for (std::size_t i = 0; i < record.size(); ++i) {
      const std::uint16_t bits = quant::to_bf16(record[i]);
      if (layout.format == Format::f32) std::memcpy(data + row * m.row_bytes + 4 * i, &record[i], 4);
      if (layout.format == Format::bf16) std::memcpy(data + row * m.row_bytes + 2 * i, &bits, 2);
    }
  }

  // All records as numbers, and of each the largest of the values that share a scale with its latents.
  void decode() {
    const std::int64_t together = std::min((layout.latent + 63) / 64 * 64, layout.record);
    for (std::size_t p = 0; p < positions; ++p) {
      const auto position = static_cast<std::int64_t>(p);
      const MatrixView page = records_of(layout, pages[p / kPagePositions].data());
      double most = 0;
      for (std::int64_t i = 0; i < layout.record; ++i) {
        values.push_back(static_cast<double>(quant::element(page, position % kPagePositions, i)));
        if (i < together) most = std::max(most, std::fabs(values.back()));
      }
      largest.push_back(most);
    }
  }

  double at(std::int64_t position, std::int64_t i) const {
    return values[static_cast<std::size_t>(position * layout.record + i)];
  }
};

struct Expected {
  std::vector<double> values;
  std::vector<double> bounds;
};

// One query over `positions` records. With codes, a query is off by half a step of each 64 of its values,
// which moves the scores by at most `score_error` and probabilities by a factor within exp(2 score_error);
// products of probability and scale are off by half a step of the largest of 64 positions, met by codes of at
// most 127.
Expected expected(const Cache& cache, std::span<const float> q, std::int64_t positions, bool codes) {
  const std::int64_t record = cache.layout.record;
  const std::int64_t latent = cache.layout.latent;
  std::vector<double> q_largest(static_cast<std::size_t>(record / 64 + 1));
  for (std::size_t i = 0; i < q.size(); ++i)
    q_largest[i / 64] = std::max(q_largest[i / 64], std::fabs(static_cast<double>(q[i])));
  std::vector<double> scores;
  double peak = -1e300;
  double score_error = 0;
  for (std::int64_t p = 0; p < positions; ++p) {
    double score = 0;
    double size = 0;
    double rounding = 0;
    for (std::int64_t i = 0; i < record; ++i) {
      const double product = static_cast<double>(q[static_cast<std::size_t>(i)]) * cache.at(p, i);
      score += product;
      size += std::fabs(product);
      if (!codes) continue;
      rounding += q_largest[static_cast<std::size_t>(i / 64)] / 127 * 0.502 * std::fabs(cache.at(p, i));
    }
    scores.push_back(score);
    peak = std::max(peak, score);
    score_error =
        std::max(score_error, rounding + static_cast<double>(record + 8) * kUnit * (size + rounding));
  }
  double sum = 0;
  for (double& s : scores) sum += s = std::exp(s - peak);
  Expected e;
  const double spread = std::exp(2 * score_error) - 1;
  for (std::int64_t i = 0; i < latent; ++i) {
    double value = 0;
    double size = 0;
    double rounding = 0;
    for (std::int64_t first = 0; first < positions; first += 64) {
      double largest = 0;
      double count = 0;
      for (std::int64_t p = first; p < std::min(first + 64, positions); ++p) {
        const double probability = scores[static_cast<std::size_t>(p)] / sum;
        value += probability * cache.at(p, i);
        size += probability * std::fabs(cache.at(p, i));
        if (!codes) continue;
        largest = std::max(largest, probability * (1 + spread) * cache.largest[static_cast<std::size_t>(p)]);
        count += 1;
      }
      rounding += largest / 127 * 0.502 * count;
    }
    e.values.push_back(value);
    e.bounds.push_back(rounding +
                       (spread + static_cast<double>(positions + 64) * 4 * kUnit) * (size + rounding));
  }
  return e;
}

class Attend : public ::testing::TestWithParam<std::tuple<std::string, Format>> {
 protected:
  const OpTable& ops = select_set(std::get<0>(GetParam()), cpu_info());
  Format format = std::get<1>(GetParam());
  Team team{2};
  Arena arena;
  Work work;
  Context ctx{ops, team, arena, work};

  RecordLayout layout(std::int64_t latent, std::int64_t rope) const {
    return {format, latent, latent + rope, kPagePositions, 64};
  }

  std::vector<float> attended(const Cache& cache, std::span<const AttendRow> rows, std::int64_t heads,
                              std::vector<float>& q, Context& with) const {
    const std::int64_t count = std::ssize(rows) * heads;
    std::vector<float> out(static_cast<std::size_t>(count * cache.layout.latent), 7.0F);
    attend(with, cache.layout, rows, heads, {q.data(), cache.layout.record},
           {out.data(), cache.layout.latent});
    return out;
  }
};

TEST_P(Attend, IsWithinItsBoundOfSumsInDouble) {
  const bool codes = format == Format::q8 && ops.matmul_coded != nullptr;
  for (const auto& [latent, rope] : {std::pair<std::int64_t, std::int64_t>{32, 16}, {64, 8}, {100, 64}}) {
    Cache cache(layout(latent, rope), 530, 1);
    for (const std::int64_t heads : {1, 18}) {
      std::vector<AttendRow> rows;
      for (const std::int64_t positions : {1, 63, 64, 65, 256, 257, 530})
        rows.push_back({cache.page_data.data(), positions});
      auto q = random_floats(std::ssize(rows) * heads * cache.layout.record, 2);
      for (float& x : q) x /= std::sqrt(static_cast<float>(cache.layout.record));
      const auto out = attended(cache, rows, heads, q, ctx);
      for (std::size_t i = 0; i < rows.size() * static_cast<std::size_t>(heads); ++i) {
        const auto record = static_cast<std::size_t>(cache.layout.record);
        const Expected e = expected(cache, std::span(q).subspan(i * record, record),
                                    rows[i / static_cast<std::size_t>(heads)].positions, codes);
        for (std::size_t k = 0; k < e.values.size(); ++k) {
          ASSERT_LE(std::fabs(out[i * e.values.size() + k] - e.values[k]), e.bounds[k])
              << "query " << i << " latent " << k << " of " << latent << ", heads " << heads;
        }
      }
    }
  }
}

TEST_P(Attend, RowsTogetherAreTheBitsOfRowsAlone) {
  Cache cache(layout(72, 20), 700, 3);
  Cache other(layout(72, 20), 300, 4);
  Team one(1);
  Context alone_ctx{ops, one, arena, work};
  for (const std::int64_t heads : {3, 20}) {
    std::vector<AttendRow> rows;
    for (std::int64_t positions = 250; positions <= 262; ++positions)
      rows.push_back({cache.page_data.data(), positions});
    rows.push_back({other.page_data.data(), 300});
    rows.push_back({cache.page_data.data(), 700});
    auto q = random_floats(std::ssize(rows) * heads * cache.layout.record, 5);
    const auto together = attended(cache, rows, heads, q, ctx);
    for (std::size_t t = 0; t < rows.size(); ++t) {
      const auto per_row = static_cast<std::size_t>(heads * cache.layout.record);
      std::vector<float> own(q.begin() + static_cast<std::ptrdiff_t>(t * per_row),
                             q.begin() + static_cast<std::ptrdiff_t>((t + 1) * per_row));
      const auto alone = attended(cache, std::span(rows).subspan(t, 1), heads, own, alone_ctx);
      ASSERT_TRUE(std::equal(alone.begin(), alone.end(),
                             together.begin() + static_cast<std::ptrdiff_t>(t * alone.size())))
          << "row " << t << ", heads " << heads;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sets, Attend,
                         ::testing::Combine(::testing::ValuesIn(testing::kernel_sets()),
                                            ::testing::Values(Format::f32, Format::bf16, Format::q8)),
                         [](const auto& test) {
                           return std::get<0>(test.param) + "_" +
                                  std::string(quant::name_of(std::get<1>(test.param)));
                         });

}  // namespace
}  // namespace nestor::kernels
