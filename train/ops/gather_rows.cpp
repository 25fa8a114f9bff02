// Rows of a table by index, with a gradient whose sums have a fixed order; and the router.
#include "train/ops/node.h"

namespace nestor::train::ops {
namespace {

struct GatherRows : torch::autograd::Function<GatherRows> {
  static Tensor forward(AutogradContext* ctx, const Tensor& rows, const Tensor& index) {
    ctx->save_for_backward({index.contiguous()});
    ctx->saved_data["rows"] = rows.size(0);
    return rows.index_select(0, index);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const Tensor index = ctx->get_saved_variables()[0];
    const std::int64_t rows = ctx->saved_data["rows"].toInt();
    const Tensor g = gradients[0].contiguous();
    const std::int64_t count = g.size(0), width = g.size(1);
    // A counting sort: `place` lists for each row the positions that read it, ascending.
    const auto* row_of = index.const_data_ptr<std::int32_t>();
    std::vector<std::int64_t> begin(static_cast<std::size_t>(rows) + 1, 0),
        place(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) ++begin[static_cast<std::size_t>(row_of[i]) + 1];
    for (std::size_t r = 1; r < begin.size(); ++r) begin[r] += begin[r - 1];
    std::vector<std::int64_t> next(begin.begin(), begin.end() - 1);
    for (std::int64_t i = 0; i < count; ++i) {
      place[static_cast<std::size_t>(next[static_cast<std::size_t>(row_of[i])]++)] = i;
    }
    Tensor sums = torch::empty({rows, width}, g.options());
    for_type(g, [&](auto zero) {
      using S = decltype(zero);
      over_rows(rows, width, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t r = first; r < last; ++r) {
          const auto row = static_cast<std::size_t>(r);
          S* sum = sums.data_ptr<S>() + r * width;
          if (begin[row] == begin[row + 1]) std::fill(sum, sum + width, S{0});
          for (std::int64_t j = begin[row]; j < begin[row + 1]; ++j) {
            const S* one = g.const_data_ptr<S>() + place[static_cast<std::size_t>(j)] * width;
            if (j == begin[row]) {
              std::copy(one, one + width, sum);
            } else {
              loops::add_scaled(S{1}, one, width, sum);
            }
          }
        }
      });
    });
    return {sums, Tensor()};
  }
};

/// The k largest of score [count] into best, in descending order, ties to the lower index.
template <class S>
void pick(const S* score, std::int64_t count, std::int64_t k, std::int32_t* best) {
  std::int64_t held = 0;
  for (std::int64_t e = 0; e < count; ++e) {
    if (held == k && !(score[e] > score[best[k - 1]])) continue;
    std::int64_t at = held < k ? held++ : k - 1;
    for (; at > 0 && score[e] > score[best[at - 1]]; --at) best[at] = best[at - 1];
    best[at] = static_cast<std::int32_t>(e);
  }
}

struct Route : torch::autograd::Function<Route> {
  static variable_list forward(AutogradContext* ctx, const Tensor& logits, const Tensor& bias_in,
                               std::int64_t k, double scaling) {
    const std::int64_t tokens = logits.size(0), count = logits.size(1);
    const Tensor p = logits.clone(at::MemoryFormat::Contiguous),
                 bias = bias_in.to(p.scalar_type()).contiguous();
    const Tensor index = torch::empty({tokens, k}, p.options().dtype(torch::kInt32));
    const Tensor weight = torch::empty({tokens, k}, p.options());
    for_type(p, [&](auto zero) {
      using S = decltype(zero);
      over_rows(tokens, 4 * count, [&](std::int64_t begin, std::int64_t end) {
        std::vector<S> score(static_cast<std::size_t>(count));
        for (std::int64_t t = begin; t < end; ++t) {
          S* row = p.data_ptr<S>() + t * count;
          std::int32_t* best = index.data_ptr<std::int32_t>() + t * k;
          loops::softmax(row, S{1}, count);
          for (std::int64_t e = 0; e < count; ++e)
            score[static_cast<std::size_t>(e)] = row[e] + bias.const_data_ptr<S>()[e];
          pick(score.data(), count, k, best);
          for (std::int64_t j = 0; j < k; ++j)
            weight.data_ptr<S>()[t * k + j] = row[best[j]] * static_cast<S>(scaling);
        }
      });
    });
    ctx->mark_non_differentiable({index});
    ctx->save_for_backward({p, index});
    ctx->saved_data["scaling"] = scaling;
    return {index, weight, p};
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &p = saved[0], &index = saved[1];
    const Tensor dweight = gradients[1].contiguous(),
                 dlogits = gradients[2].clone(at::MemoryFormat::Contiguous);
    const std::int64_t tokens = p.size(0), count = p.size(1), k = index.size(1);
    for_type(p, [&](auto zero) {
      using S = decltype(zero);
      const auto scaling = static_cast<S>(ctx->saved_data["scaling"].toDouble());
      over_rows(tokens, count, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t t = begin; t < end; ++t) {
          S* row = dlogits.data_ptr<S>() + t * count;
          const S* probability = p.const_data_ptr<S>() + t * count;
          for (std::int64_t j = t * k; j < (t + 1) * k; ++j) {
            row[index.const_data_ptr<std::int32_t>()[j]] += dweight.const_data_ptr<S>()[j] * scaling;
          }
          loops::softmax_backward(probability, loops::dot(row, probability, count), S{1}, count, row);
        }
      });
    });
    return {dlogits, Tensor(), Tensor(), Tensor()};
  }
};

}  // namespace

Tensor gather_rows(const Tensor& rows, const Tensor& index) {
  const bool ours = served(rows) && rows.dim() == 2 && index.scalar_type() == torch::kInt32;
  return ours ? GatherRows::apply(rows, index) : plain::gather_rows(rows, index);
}

Routed route(const Tensor& logits, const Tensor& bias, std::int64_t k, double scaling) {
  if (!served(logits)) return plain::route(logits, bias, k, scaling);
  const auto out = Route::apply(logits, bias, k, scaling);
  return {{out[0], out[1]}, out[2]};
}

}  // namespace nestor::train::ops
