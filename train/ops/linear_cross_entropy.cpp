// The output layer with its loss. Both gradients are computed beside the loss, from the logits of some rows
// at a time, which would otherwise be needed twice; the backward pass only multiplies by the gradient of the
// loss.
#include "train/ops/node.h"

namespace nestor::train::ops {
namespace {

// Logits at hand at a time: large enough that adding a chunk's part to the gradient of w is cheap beside the
// products, small enough to stay far below the activations of a step.
constexpr std::int64_t kLogits = 8 << 20;
constexpr std::int64_t kFewestRows = 64;

/// What a caller will ask for.
enum class Wanted { loss, gradients };

struct Sums {
  Tensor loss, dh, dw;
};

/// In place: logits [rows, V] become softmax - one-hot(target). loss [rows] receives -log p(target).
template <class S, class Stored>
void softmax_chunk(const Tensor& logits, const std::int64_t* target, double* loss) {
  const std::int64_t vocabulary = logits.size(1);
  over_rows(logits.size(0), vocabulary, [&](std::int64_t begin, std::int64_t end) {
    std::vector<S> space(static_cast<std::size_t>(vocabulary));
    for (std::int64_t i = begin; i < end; ++i) {
      Stored* stored = logits.data_ptr<Stored>() + i * vocabulary;
      S* row =
          const_cast<S*>(load_row(stored, vocabulary, space.data()));  // the stored row itself, or `space`
      const S at_target = row[target[i]];
      loss[i] = static_cast<double>(loops::softmax(row, S{1}, vocabulary) - at_target);
      row[target[i]] -= S{1};
      store_row(row, vocabulary, stored);
    }
  });
}

/// sum += part [V, H], of another number type perhaps.
template <class S, class Stored>
void add_part(const Tensor& part, const Tensor& sum) {
  const std::int64_t width = sum.size(1);
  over_rows(sum.size(0), width, [&](std::int64_t begin, std::int64_t end) {
    std::vector<S> space(static_cast<std::size_t>(width));
    for (std::int64_t i = begin; i < end; ++i) {
      const S* row = load_row(part.const_data_ptr<Stored>() + i * width, width, space.data());
      loops::add_scaled(S{1}, row, width, sum.data_ptr<S>() + i * width);
    }
  });
}

/// h [n, H] of scored rows only.
template <class S, class Stored>
Sums sums_of(const Tensor& h, const Tensor& w, const Tensor& targets, torch::ScalarType type, Wanted wanted) {
  const std::int64_t rows = h.size(0), vocabulary = w.size(0);
  const Tensor hs = h.to(type).contiguous(), ws = w.to(type).contiguous();
  Sums sums;
  if (wanted == Wanted::gradients) {
    sums.dh = torch::empty_like(h);
    sums.dw = torch::zeros_like(w);
  }
  const std::int64_t chunk = std::max(kFewestRows, kLogits / std::max<std::int64_t>(1, vocabulary));
  std::vector<double> loss(static_cast<std::size_t>(rows));
  for (std::int64_t begin = 0; begin < rows; begin += chunk) {
    const std::int64_t end = std::min(rows, begin + chunk);
    const Tensor part = hs.slice(0, begin, end), logits = torch::mm(part, ws.t());
    softmax_chunk<S, Stored>(logits, targets.const_data_ptr<std::int64_t>() + begin, loss.data() + begin);
    if (wanted == Wanted::loss) continue;
    sums.dh.slice(0, begin, end).copy_(torch::mm(logits, ws));
    if constexpr (std::is_same_v<S, Stored>) {
      sums.dw.addmm_(logits.t(), part);
    } else {
      add_part<S, Stored>(torch::mm(logits.t(), part), sums.dw);
    }
  }
  double total = 0;
  for (const double one : loss) total += one;
  sums.loss = torch::full({}, total, h.options());
  return sums;
}

struct LinearCrossEntropy : torch::autograd::Function<LinearCrossEntropy> {
  static Tensor forward(AutogradContext* ctx, const Tensor& h, const Tensor& w, const Tensor& targets,
                        Products products, Wanted wanted) {
    // Rows without a target take no part at all.
    const Tensor scored = torch::nonzero(targets >= 0).squeeze(1);
    const bool all = scored.size(0) == h.size(0);
    const Tensor rows = all ? h.contiguous() : h.index_select(0, scored);
    const Tensor ids = (all ? targets : targets.index_select(0, scored)).contiguous();
    Sums sums;
    for_types(h, products, [&](auto zero, auto stored) {
      sums = sums_of<decltype(zero), decltype(stored)>(rows, w.contiguous(), ids, stored_type(h, products),
                                                       wanted);
    });
    if (wanted == Wanted::gradients) {
      if (!all) sums.dh = torch::zeros_like(h, at::MemoryFormat::Contiguous).index_copy_(0, scored, sums.dh);
      ctx->save_for_backward({sums.dh, sums.dw});
    }
    return sums.loss;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto saved = ctx->get_saved_variables();
    return {saved[0] * gradients[0], saved[1] * gradients[0], Tensor(), Tensor(), Tensor()};
  }
};

}  // namespace

Tensor linear_cross_entropy(const Tensor& h, const Tensor& w, const Tensor& targets, Products products) {
  if (!served(h, products)) return plain::linear_cross_entropy(h, w, targets, products);
  const bool learning = torch::GradMode::is_enabled() && (h.requires_grad() || w.requires_grad());
  return LinearCrossEntropy::apply(h, w, targets, products, learning ? Wanted::gradients : Wanted::loss);
}

}  // namespace nestor::train::ops
