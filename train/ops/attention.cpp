// Attention, one task for each row and head: for a block of queries the scores of all keys in sight at once
// (a few hundred at most in training), softmax, products. The backward pass computes the scores again.
// float32 throughout: with heads this narrow, products in bfloat16 gain less than the conversions cost.
#include "train/ops/matrix.h"
#include "train/ops/node.h"

namespace nestor::train::ops {
namespace {

// Queries per block: a block computes about this half too many scores per query, above the diagonal.
constexpr std::int64_t kBlock = 64;

/// One row and one head of [B, T, A, width]: rows `stride` apart.
template <class S>
struct Head {
  S* data;
  std::int64_t stride, width;
  S* row(std::int64_t t) const { return data + t * stride; }
};

template <class S>
Head<S> head_of(const Tensor& x, std::int64_t b, std::int64_t a) {
  const std::int64_t length = x.size(1), heads = x.size(2), width = x.size(3);
  S* data = const_cast<S*>(x.const_data_ptr<S>());
  return {data + (b * length * heads + a) * width, heads * width, width};
}

/// Queries [begin, end) and the keys [low, end) that some of them see; the query t sees [first[t], t].
struct Block {
  std::int64_t begin, end, low;
  const std::int32_t* first;

  std::int64_t queries() const { return end - begin; }
  std::int64_t keys() const { return end - low; }
};

template <class Body>
void over_blocks(std::int64_t length, const std::int32_t* first, const Body& body) {
  for (std::int64_t begin = 0; begin < length; begin += kBlock) {
    body(Block{begin, std::min(length, begin + kBlock), first[begin], first});
  }
}

/// What remains of a row of scores after `body` has worked on the part in sight is set to 0.
template <class S, class Body>
void over_sight(const Block& block, S* scores, const Body& body) {
  for (std::int64_t t = block.begin; t < block.end; ++t) {
    S* row = scores + (t - block.begin) * block.keys();
    const std::int64_t from = block.first[t] - block.low, to = t + 1 - block.low;
    std::fill(row, row + from, S{0});
    body(t, row + from, to - from);
    std::fill(row + to, row + block.keys(), S{0});
  }
}

template <class S>
void score(const Block& block, const Head<S>& q, const Head<S>& k, S* scores) {
  multiply(block.queries(), block.keys(), q.width, Matrix<S>{q.row(block.begin), q.stride},
           Matrix<S>{k.row(block.low), k.stride, Form::transposed}, S{0}, scores, block.keys());
}

/// log_sum [T] is kept for the backward pass.
template <class S>
void forward_head(const Head<S>& q, const Head<S>& k, const Head<S>& v, std::int64_t length,
                  const std::int32_t* first, S scale, const Head<S>& out, S* log_sum) {
  std::vector<S> scores(static_cast<std::size_t>(std::min(kBlock, length) * length));
  over_blocks(length, first, [&](const Block& block) {
    score(block, q, k, scores.data());
    over_sight(block, scores.data(),
               [&](std::int64_t t, S* row, std::int64_t n) { log_sum[t] = loops::softmax(row, scale, n); });
    multiply(block.queries(), v.width, block.keys(), Matrix<S>{scores.data(), block.keys()},
             Matrix<S>{v.row(block.low), v.stride}, S{0}, out.row(block.begin), out.stride);
  });
}

template <class S>
struct HeadGradients {
  Head<S> q, k, v;  // k and v start at 0
};

/// p = softmax(scale q k^T), out = p v, g the gradient of out: dv = p^T g, dp = g v^T,
/// ds = p (dp - sum_j p_j dp_j) scale, where the sum equals g . out; dq = ds k, dk = ds^T q.
template <class S>
void backward_head(const Head<S>& g, const Head<S>& q, const Head<S>& k, const Head<S>& v, const Head<S>& out,
                   std::int64_t length, const std::int32_t* first, S scale, const S* log_sum,
                   const HeadGradients<S>& d) {
  const auto room = static_cast<std::size_t>(std::min(kBlock, length) * length);
  std::vector<S> p(room), dp(room);
  over_blocks(length, first, [&](const Block& block) {
    const std::int64_t queries = block.queries(), keys = block.keys();
    score(block, q, k, p.data());
    over_sight(block, p.data(), [&](std::int64_t t, S* row, std::int64_t n) {
      loops::softmax_again(row, scale, log_sum[t], n);
    });
    multiply(keys, v.width, queries, Matrix<S>{p.data(), keys, Form::transposed},
             Matrix<S>{g.row(block.begin), g.stride}, S{1}, d.v.row(block.low), d.v.stride);
    multiply(queries, keys, v.width, Matrix<S>{g.row(block.begin), g.stride},
             Matrix<S>{v.row(block.low), v.stride, Form::transposed}, S{0}, dp.data(), keys);
    over_sight(block, dp.data(), [&](std::int64_t t, S* row, std::int64_t n) {
      const S* weights = p.data() + (row - dp.data());
      loops::softmax_backward(weights, loops::dot(g.row(t), out.row(t), v.width), scale, n, row);
    });
    multiply(queries, q.width, keys, Matrix<S>{dp.data(), keys}, Matrix<S>{k.row(block.low), k.stride}, S{0},
             d.q.row(block.begin), d.q.stride);
    multiply(keys, q.width, queries, Matrix<S>{dp.data(), keys, Form::transposed},
             Matrix<S>{q.row(block.begin), q.stride}, S{1}, d.k.row(block.low), d.k.stride);
  });
}

/// For each position the first one of its segment, [B, T].
Tensor segment_starts(const Tensor& segment) {
  const Tensor ids = segment.to(torch::kInt32).contiguous();
  Tensor first = torch::empty_like(ids);
  const std::int64_t length = ids.size(1);
  for (std::int64_t b = 0; b < ids.size(0); ++b) {
    const auto* id = ids.const_data_ptr<std::int32_t>() + b * length;
    auto* start = first.data_ptr<std::int32_t>() + b * length;
    for (std::int64_t t = 0; t < length; ++t) {
      start[t] = t > 0 && id[t] == id[t - 1] ? start[t - 1] : static_cast<std::int32_t>(t);
    }
  }
  return first;
}

struct Attention : torch::autograd::Function<Attention> {
  static Tensor forward(AutogradContext* ctx, const Tensor& q_in, const Tensor& k_in, const Tensor& v_in,
                        const Tensor& segment, double scale) {
    const Tensor q = q_in.contiguous(), k = k_in.contiguous(), v = v_in.contiguous(),
                 first = segment_starts(segment);
    const std::int64_t batch = q.size(0), length = q.size(1), heads = q.size(2);
    const Tensor out = torch::empty_like(v), log_sum = torch::empty({batch, heads, length}, q.options());
    for_type(q, [&](auto zero) {
      using S = decltype(zero);
      over_tasks(batch * heads, [&](std::int64_t task) {
        const std::int64_t b = task / heads, a = task % heads;
        forward_head(head_of<S>(q, b, a), head_of<S>(k, b, a), head_of<S>(v, b, a), length,
                     first.const_data_ptr<std::int32_t>() + b * length, static_cast<S>(scale),
                     head_of<S>(out, b, a), log_sum.data_ptr<S>() + task * length);
      });
    });
    ctx->save_for_backward({q, k, v, first, out, log_sum});
    ctx->saved_data["scale"] = scale;
    return out;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &q = saved[0], &k = saved[1], &v = saved[2], &first = saved[3], &out = saved[4],
                 &log_sum = saved[5];
    const Tensor g = gradients[0].contiguous();
    const Tensor dq = torch::empty_like(q), dk = torch::zeros_like(k), dv = torch::zeros_like(v);
    const std::int64_t batch = q.size(0), length = q.size(1), heads = q.size(2);
    for_type(q, [&](auto zero) {
      using S = decltype(zero);
      const auto scale = static_cast<S>(ctx->saved_data["scale"].toDouble());
      over_tasks(batch * heads, [&](std::int64_t task) {
        const std::int64_t b = task / heads, a = task % heads;
        backward_head(head_of<S>(g, b, a), head_of<S>(q, b, a), head_of<S>(k, b, a), head_of<S>(v, b, a),
                      head_of<S>(out, b, a), length, first.const_data_ptr<std::int32_t>() + b * length, scale,
                      log_sum.const_data_ptr<S>() + task * length,
                      HeadGradients<S>{head_of<S>(dq, b, a), head_of<S>(dk, b, a), head_of<S>(dv, b, a)});
      });
    });
    return {dq, dk, dv, Tensor(), Tensor()};
  }
};

}  // namespace

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& segment, double scale,
                 Products products) {
  if (!served(q)) return plain::attention(q, k, v, segment, scale, products);
  return Attention::apply(q, k, v, segment, scale);
}

}  // namespace nestor::train::ops
