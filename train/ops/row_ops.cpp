// The operations that work on each row alone: rms_norm, swiglu, rotate; and linear.
#include "train/ops/node.h"

namespace nestor::train::ops {
namespace {

// Rows whose weight gradients are summed together before the sums of such blocks are added in order: the
// result does not depend on the number of threads.
constexpr std::int64_t kSumRows = 64;

struct RmsNorm : torch::autograd::Function<RmsNorm> {
  static Tensor forward(AutogradContext* ctx, const Tensor& input, const Tensor& weight, double eps) {
    const Tensor x = input.contiguous(), w = weight.contiguous();
    const std::int64_t d = x.size(-1), rows = d == 0 ? 0 : x.numel() / d;
    Tensor y = torch::empty_like(x), scale = torch::empty({rows}, x.options());
    for_type(x, [&](auto zero) {
      using S = decltype(zero);
      over_rows(rows, d, [&](std::int64_t begin, std::int64_t end) {
        loops::rms_norm(x.const_data_ptr<S>() + begin * d, w.const_data_ptr<S>(), eps, end - begin, d,
                        y.data_ptr<S>() + begin * d, scale.data_ptr<S>() + begin);
      });
    });
    ctx->save_for_backward({x, w, scale});
    return y;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &w = saved[1], &scale = saved[2];
    const Tensor g = gradients[0].contiguous();
    const std::int64_t d = x.size(-1), rows = scale.size(0), blocks = (rows + kSumRows - 1) / kSumRows;
    Tensor dx = torch::empty_like(x), dw = torch::zeros_like(w),
           sums = torch::zeros({blocks, d}, x.options());
    for_type(x, [&](auto zero) {
      using S = decltype(zero);
      over_rows(blocks, d * kSumRows, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t block = begin; block < end; ++block) {
          const std::int64_t row = block * kSumRows, count = std::min(rows, row + kSumRows) - row;
          loops::rms_norm_backward(g.const_data_ptr<S>() + row * d, x.const_data_ptr<S>() + row * d,
                                   w.const_data_ptr<S>(), scale.const_data_ptr<S>() + row, count, d,
                                   dx.data_ptr<S>() + row * d, sums.data_ptr<S>() + block * d);
        }
      });
      for (std::int64_t block = 0; block < blocks; ++block) {
        loops::add_scaled(S{1}, sums.const_data_ptr<S>() + block * d, d, dw.data_ptr<S>());
      }
    });
    return {dx, dw, Tensor()};
  }
};

struct Swiglu : torch::autograd::Function<Swiglu> {
  static Tensor forward(AutogradContext* ctx, const Tensor& gate_in, const Tensor& up_in) {
    const Tensor gate = gate_in.contiguous(), up = up_in.contiguous();
    Tensor y = torch::empty_like(gate);
    for_type(gate, [&](auto zero) {
      using S = decltype(zero);
      over_rows(gate.numel(), 1, [&](std::int64_t begin, std::int64_t end) {
        loops::swiglu(gate.const_data_ptr<S>() + begin, up.const_data_ptr<S>() + begin, end - begin,
                      y.data_ptr<S>() + begin);
      });
    });
    ctx->save_for_backward({gate, up});
    return y;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &gate = saved[0], &up = saved[1];
    const Tensor g = gradients[0].contiguous();
    Tensor dgate = torch::empty_like(gate), dup = torch::empty_like(up);
    for_type(gate, [&](auto zero) {
      using S = decltype(zero);
      over_rows(gate.numel(), 1, [&](std::int64_t begin, std::int64_t end) {
        loops::swiglu_backward(g.const_data_ptr<S>() + begin, gate.const_data_ptr<S>() + begin,
                               up.const_data_ptr<S>() + begin, end - begin, dgate.data_ptr<S>() + begin,
                               dup.data_ptr<S>() + begin);
      });
    });
    return {dgate, dup};
  }
};

/// x [n, A, R] turned forwards (direction 1) or back (-1); x may be a slice of its last dimension.
Tensor turned(const Tensor& input, const Tensor& cos, const Tensor& sin, int direction) {
  const Tensor x = input.stride(2) == 1 ? input : input.contiguous();
  const std::int64_t tokens = x.size(0), heads = x.size(1), width = x.size(2), pairs = width / 2;
  Tensor y = torch::empty({tokens, heads, width}, x.options());
  for_type(x, [&](auto zero) {
    using S = decltype(zero);
    over_rows(tokens, heads * width, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t t = begin; t < end; ++t) {
        for (std::int64_t a = 0; a < heads; ++a) {
          loops::rotate(x.const_data_ptr<S>() + t * x.stride(0) + a * x.stride(1),
                        cos.const_data_ptr<S>() + t * pairs, sin.const_data_ptr<S>() + t * pairs,
                        static_cast<S>(direction), pairs, y.data_ptr<S>() + (t * heads + a) * width);
        }
      }
    });
  });
  return y;
}

struct Rotate : torch::autograd::Function<Rotate> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& cos_in, const Tensor& sin_in) {
    const Tensor cos = cos_in.contiguous(), sin = sin_in.contiguous();
    ctx->save_for_backward({cos, sin});
    return turned(x, cos, sin, 1);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto saved = ctx->get_saved_variables();
    return {turned(gradients[0], saved[0], saved[1], -1), Tensor(), Tensor()};
  }
};

// Keeps the operands in bfloat16, rounded once, for the two products of the backward pass.
struct LinearBf16 : torch::autograd::Function<LinearBf16> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& weight) {
    const Tensor rows = x.reshape({-1, x.size(-1)}).to(torch::kBFloat16), w = weight.to(torch::kBFloat16);
    ctx->save_for_backward({rows, w});
    auto shape = x.sizes().vec();
    shape.back() = w.size(0);
    return torch::mm(rows, w.t()).to(x.scalar_type()).view(shape);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &rows = saved[0], &w = saved[1], &g = gradients[0];
    const Tensor g16 = g.reshape({-1, w.size(0)}).to(torch::kBFloat16);
    auto shape = g.sizes().vec();
    shape.back() = w.size(1);
    Tensor dx, dw;
    if (ctx->needs_input_grad(0)) dx = torch::mm(g16, w).to(g.scalar_type()).view(shape);
    if (ctx->needs_input_grad(1)) dw = torch::mm(g16.t(), rows).to(g.scalar_type());
    return {dx, dw};
  }
};

}  // namespace

Tensor linear(const Tensor& x, const Tensor& w, Products products) {
  // In float32 torch's own node does the same three products.
  if (products == Products::f32 || !served(x)) return plain::linear(x, w, products);
  return LinearBf16::apply(x, w);
}

Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps) {
  return served(x) ? RmsNorm::apply(x, weight, eps) : plain::rms_norm(x, weight, eps);
}

Tensor swiglu(const Tensor& gate, const Tensor& up) {
  return served(gate) ? Swiglu::apply(gate, up) : plain::swiglu(gate, up);
}

Tensor rotate(const Tensor& x, const Tensor& cos, const Tensor& sin) {
  return served(x) ? Rotate::apply(x, cos, sin) : plain::rotate(x, cos, sin);
}

}  // namespace nestor::train::ops
