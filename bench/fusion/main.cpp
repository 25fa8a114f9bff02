// Compares fused operations, as layers call them, with their compositions from plain products, norms and
// sums, in turns. Shapes are those of LongCat-Flash-Lite, weights lie in memory that no cache holds.
//   build/release/bin/fusion_bench [THREADS [SET]]     default: all cores, the fastest set of kernels
// The last line is one JSON object.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <vector>

#include "base/cpu.h"
#include "base/random.h"
#include "kernels/attend.h"
#include "kernels/experts.h"
#include "kernels/ops.h"
#include "kernels/registry.h"
#include "measure/memory_read.h"
#include "measure/stopwatch.h"
#include "quant/matrix.h"
#include "quant/number.h"
#include "quant/tile.h"

using namespace nestor;
using kernels::Format;
using kernels::MatrixView;
using kernels::Rows;

namespace {

constexpr std::int64_t kHidden = 3072, kInner = 1024, kDense = 6144, kExperts = 64, kRoutes = 96, kTop = 12;
constexpr std::int64_t kQueryRank = 1536, kLatent = 512, kRope = 64, kHeads = 32, kDepth = 2048;

// Matrices side by side in memory; all have the same numbers.
class Weights {
 public:
  explicit Weights(Format format) : format_(format), memory_(std::size_t{3} << 30) {}

  MatrixView matrix(std::int64_t rows, std::int64_t cols) {
    std::vector<std::uint8_t> band;
    if (quant::is_tiled(format_)) {
      const auto shape = quant::tiled_shape(format_, quant::kBandRows, cols);
      std::vector<float> numbers(static_cast<std::size_t>(quant::kBandRows * cols));
      for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = 0.02F * normal_pair(3, i, 0)[0];
      band.resize(static_cast<std::size_t>(shape[1] * shape[2]));
      quant::encode_band(format_, numbers.data(), quant::kBandRows, cols, {}, quant::ScaleRule::absmax,
                         band.data());
    } else {
      for (std::int64_t i = 0; i < quant::kBandRows * cols; ++i) {
        const std::uint16_t bits = quant::to_bf16(static_cast<float>(i % 251) * 2e-4F - 0.025F);
        band.push_back(static_cast<std::uint8_t>(bits));
        band.push_back(static_cast<std::uint8_t>(bits >> 8));
      }
    }
    std::uint8_t* begin = memory_.data() + used_;
    for (std::int64_t b = 0; b < rows / quant::kBandRows; ++b, used_ += band.size())
      std::ranges::copy(band, memory_.data() + used_);
    return quant::matrix_view(begin, format_, rows, cols);
  }

 private:
  Format format_;
  measure::Memory memory_;
  std::size_t used_ = 0;
};

std::vector<float> numbers(std::int64_t count, std::uint64_t stream) {
  std::vector<float> all(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = normal_pair(stream, i, 0)[0];
  return all;
}

struct Ratio {
  double fused_ms, composed_ms, ratio;
};

// In turns; medians. `round` chooses other weights each time.
Ratio in_turns(const std::function<void(int round)>& fused, const std::function<void(int round)>& composed) {
  constexpr int kRounds = 15;
  std::vector<double> a, b, ratios;
  for (int round = -1; round < kRounds; ++round) {
    const auto start = measure::Clock::now();
    fused(round + 1);
    const double first = measure::seconds_since(start);
    const auto between = measure::Clock::now();
    composed(round + 1);
    const double second = measure::seconds_since(between);
    if (round < 0) continue;  // touches its memory
    a.push_back(1e3 * first);
    b.push_back(1e3 * second);
    ratios.push_back(second / first);
  }
  const auto median = [](std::vector<double>& v) {
    std::ranges::sort(v);
    return v[v.size() / 2];
  };
  return {median(a), median(b), median(ratios)};
}

class Bench {
 public:
  Bench(const kernels::OpTable& ops, int threads, Format format, std::int64_t rows)
      : team_(threads),
        ctx_{ops, team_, arena_, work_},
        rows_(rows),
        x_(numbers(rows * kHidden, 4)),
        y_(x_.size()),
        ones_(static_cast<std::size_t>(kDense), 1.0F),
        weights_(format) {}

  Ratio norm_and_products() {
    const kernels::RmsNorm norm{ones_.data(), kHidden, 1e-5F, 1.0F};
    std::vector<std::array<MatrixView, 2>> all;
    for (int i = 0; i < 16; ++i)
      all.push_back({weights_.matrix(kQueryRank, kHidden), weights_.matrix(kLatent + kRope, kHidden)});
    std::vector<float> query(static_cast<std::size_t>(rows_ * kQueryRank));
    std::vector<float> latent(static_cast<std::size_t>(rows_ * (kLatent + kRope)));
    const Rows q{query.data(), kQueryRank}, l{latent.data(), kLatent + kRope};
    return in_turns(
        [&](int round) {
          const auto& w = all[static_cast<std::size_t>(round) % all.size()];
          const kernels::Arena::Scope scope(arena_);
          const kernels::Forms forms = kernels::forms_of(ctx_, std::array{&w[0], &w[1]});
          const kernels::Product products[] = {{&w[0], q}, {&w[1], l}};
          kernels::multiply(ctx_, kernels::normed_input(ctx_, x(), rows_, norm, y(), forms), products);
        },
        [&](int round) {
          const auto& w = all[static_cast<std::size_t>(round + 8) % all.size()];
          kernels::rms_norm(ctx_, x(), rows_, norm, y());
          kernels::matmul(ctx_, y(), rows_, w[0], q);
          kernels::matmul(ctx_, y(), rows_, w[1], l);
        });
  }

  Ratio dense() {
    std::vector<kernels::FeedForwardWeights> all;
    for (int i = 0; i < 4; ++i) all.push_back(feed_forward(kDense));
    return in_turns(
        [&](int round) {
          const auto& w = all[static_cast<std::size_t>(round) % all.size()];
          const kernels::Arena::Scope scope(arena_);
          const kernels::Forms forms = kernels::forms_of(ctx_, std::array{&w.gate, &w.up});
          kernels::feed_forward(ctx_, w, kernels::input_of(ctx_, x(), rows_, kHidden, forms), y());
        },
        [&](int round) {
          composed_feed_forward(all[static_cast<std::size_t>(round + 2) % all.size()], x(), rows_, y());
        });
  }

  Ratio experts() {
    std::vector<kernels::FeedForwardWeights> all;
    for (std::int64_t e = 0; e < kExperts; ++e) all.push_back(feed_forward(kInner));
    std::vector<std::int32_t> picks;
    std::vector<float> shares(static_cast<std::size_t>(rows_ * kTop), 0.1F);
    // Twelve of all routes for every row, others in every round.
    const auto route_at = [&](int round) {
      picks.clear();
      for (std::int64_t t = 0; t < rows_; ++t) {
        std::vector<std::int32_t> order(static_cast<std::size_t>(kRoutes));
        std::iota(order.begin(), order.end(), 0);
        for (std::size_t i = 0; i < static_cast<std::size_t>(kTop); ++i) {
          const double u = uniform(static_cast<std::uint64_t>(round), static_cast<std::uint64_t>(t), i);
          std::swap(order[i], order[i + static_cast<std::size_t>(u * static_cast<double>(order.size() - i))]);
        }
        picks.insert(picks.end(), order.begin(), order.begin() + kTop);
      }
      return kernels::Routing{kTop, picks, shares, {}};
    };
    return in_turns(
        [&](int round) {
          const kernels::Routing routing = route_at(2 * round);
          const kernels::Arena::Scope scope(arena_);
          const kernels::Forms forms = kernels::forms_of(ctx_, std::array{&all[0].gate, &all[0].up});
          kernels::mix_experts(ctx_, all, routing, kernels::input_of(ctx_, x(), rows_, kHidden, forms),
                               kHidden, y());
        },
        [&](int round) {
          const kernels::Routing routing = route_at(2 * round + 1);
          composed_experts(all, routing);
        });
  }

  Ratio router() {
    const std::vector<float> classifier = numbers(kRoutes * kHidden, 5);
    const kernels::RouterWeights w{quant::matrix_view(classifier.data(), Format::f32, kRoutes, kHidden),
                                   ones_.data(), kTop, 6.0F};
    return in_turns(
        [&](int) {
          const kernels::Arena::Scope scope(arena_);
          kernels::route(ctx_, w, x(), rows_);
        },
        [&](int) {
          const kernels::Arena::Scope scope(arena_);
          const Rows p = kernels::take_rows(arena_, rows_, kRoutes);
          kernels::matmul(ctx_, x(), rows_, w.classifier, p);
          kernels::softmax(ctx_, p, rows_, kRoutes);
          std::vector<std::int32_t> order(static_cast<std::size_t>(kRoutes));
          for (std::int64_t t = 0; t < rows_; ++t) {
            std::iota(order.begin(), order.end(), 0);
            std::ranges::stable_sort(order, std::greater<>(), [&](std::int32_t e) { return p.row(t)[e]; });
          }
        });
  }

  // Rows of one sequence behind kDepth positions; the cache in float32.
  Ratio attention() {
    constexpr std::int64_t kRecord = kLatent + kRope, kPage = 64;
    const std::int64_t positions = kDepth + rows_;
    const std::vector<float> records = numbers((positions + kPage) * kRecord, 6);
    const std::vector<float> q = numbers(rows_ * kHeads * kRecord, 7);
    std::vector<float> out(static_cast<std::size_t>(rows_ * kHeads * kLatent));
    std::vector<std::uint8_t*> pages;
    for (std::int64_t p = 0; p < positions; p += kPage)
      pages.push_back(reinterpret_cast<std::uint8_t*>(const_cast<float*>(records.data()) + p * kRecord));
    std::vector<kernels::AttendRow> rows;
    for (std::int64_t t = 0; t < rows_; ++t) rows.push_back({pages.data(), kDepth + t + 1});
    const kernels::RecordLayout layout{Format::f32, kLatent, kRecord, kPage, 0};
    const Rows queries{const_cast<float*>(q.data()), kRecord};
    return in_turns(
        [&](int) {
          kernels::attend(ctx_, layout, rows, kHeads, queries, {out.data(), kLatent});
        },
        [&](int) {
          const kernels::Arena::Scope scope(arena_);
          const Rows scores = kernels::take_rows(arena_, kHeads, positions);
          for (std::int64_t t = 0; t < rows_; ++t) {
            const std::int64_t seen = kDepth + t + 1;
            const Rows own{queries.row(t * kHeads), kRecord};
            kernels::matmul(ctx_, own, kHeads, quant::matrix_view(records.data(), Format::f32, seen, kRecord),
                            scores);
            kernels::softmax(ctx_, scores, kHeads, seen);
            MatrixView values = quant::matrix_view(records.data(), Format::f32, seen, kRecord);
            values.cols = kLatent;
            team_.run(kLatent / 64, [&](std::int64_t i, int) {
              ctx_.ops.matmul_transposed({scores.data, scores.stride, kHeads, &values, 1,
                                          out.data() + t * kHeads * kLatent, kLatent, kernels::Sums::fresh},
                                         i * 64, (i + 1) * 64);
            });
          }
        });
  }

 private:
  Rows x() { return {x_.data(), kHidden}; }
  Rows y() { return {y_.data(), kHidden}; }

  kernels::FeedForwardWeights feed_forward(std::int64_t inner) {
    return {weights_.matrix(inner, kHidden), weights_.matrix(inner, kHidden),
            weights_.matrix(kHidden, inner)};
  }

  void composed_feed_forward(const kernels::FeedForwardWeights& w, Rows in, std::int64_t rows, Rows out) {
    const kernels::Arena::Scope scope(arena_);
    const std::int64_t inner = w.gate.rows;
    const Rows gate = kernels::take_rows(arena_, rows, inner), up = kernels::take_rows(arena_, rows, inner);
    kernels::matmul(ctx_, in, rows, w.gate, gate);
    kernels::matmul(ctx_, in, rows, w.up, up);
    team_.run(rows, [&](std::int64_t t, int) {
      ctx_.ops.swiglu({gate.row(t), up.row(t), gate.row(t)}, 0, inner);
    });
    kernels::matmul(ctx_, gate, rows, w.down, out);
  }

  void composed_experts(const std::vector<kernels::FeedForwardWeights>& all,
                        const kernels::Routing& routing) {
    std::ranges::fill(y_, 0.0F);
    for (std::int64_t e = 0; e < kRoutes; ++e) {
      std::vector<std::int64_t> own;
      for (std::int64_t i = 0; i < rows_ * kTop; ++i) {
        if (routing.expert[static_cast<std::size_t>(i)] == e) own.push_back(i);
      }
      if (own.empty()) continue;
      const kernels::Arena::Scope scope(arena_);
      const auto count = std::ssize(own);
      const Rows in = kernels::take_rows(arena_, count, kHidden),
                 out = kernels::take_rows(arena_, count, kHidden);
      for (std::int64_t i = 0; i < count; ++i)
        std::copy_n(x().row(own[static_cast<std::size_t>(i)] / kTop), kHidden, in.row(i));
      if (e < kExperts) composed_feed_forward(all[static_cast<std::size_t>(e)], in, count, out);
      for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t pick = own[static_cast<std::size_t>(i)];
        kernels::add_scaled(ctx_, e < kExperts ? Rows{out.row(i), 0} : Rows{in.row(i), 0}, 1, kHidden,
                            routing.weight[static_cast<std::size_t>(pick)], {y().row(pick / kTop), 0});
      }
    }
  }

  kernels::Team team_;
  kernels::Arena arena_;
  kernels::Work work_;
  kernels::Context ctx_;
  std::int64_t rows_;
  std::vector<float> x_, y_, ones_;
  Weights weights_;
};

}  // namespace

int main(int argc, char** argv) {
  const CpuInfo cpu = cpu_info();
  const int threads = argc > 1 ? std::atoi(argv[1]) : cpu.cores;
  const kernels::OpTable& ops = kernels::select_set(argc > 2 ? argv[2] : "auto", cpu);
  const kernels::SubnormalsAreZero guard;
  fmt::print("{}, {}, {} threads\n{:<20}{:>8}{:>6}{:>12}{:>14}{:>8}\n", cpu.name, ops.name, threads, "",
             "weights", "rows", "fused, ms", "composed, ms", "ratio");
  std::string json;
  for (const Format format : {Format::q4, Format::q8, Format::bf16}) {
    for (const std::int64_t rows : {1, 512}) {
      Bench bench(ops, threads, format, rows);
      const auto report = [&](const char* name, const Ratio& r) {
        fmt::print("{:<20}{:>8}{:>6}{:>12.3f}{:>14.3f}{:>8.2f}\n", name, quant::name_of(format), rows,
                   r.fused_ms, r.composed_ms, r.ratio);
        std::fflush(stdout);
        json += fmt::format(
            "{}{{\"what\":\"{}\",\"weights\":\"{}\",\"rows\":{},\"fused_ms\":{:.4f},\"composed_ms\":{:.4f},"
            "\"ratio\":{:.3f}}}",
            json.empty() ? "" : ",", name, quant::name_of(format), rows, r.fused_ms, r.composed_ms, r.ratio);
      };
      report("norm and products", bench.norm_and_products());
      report("gated product", bench.dense());
      report("gated experts", bench.experts());
      if (format != Format::q4) continue;  // neither has such weights
      report("router", bench.router());
      if (rows == 1) report("attention, at 2,048", bench.attention());
    }
  }
  fmt::print("{{\"bench\":\"fusion\",\"cpu\":\"{}\",\"kernels\":\"{}\",\"threads\":{},\"cases\":[{}]}}\n",
             cpu.name, ops.name, threads, json);
  return 0;
}
