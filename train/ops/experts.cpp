// Mixture of experts: picks sorted by expert, each expert's products over its own rows at once, and every sum
// in an order that the picks alone decide. Letters as in ops.h; M rows of real picks (index < E).
#include "train/ops/node.h"

namespace nestor::train::ops {
namespace {

// Rows of one expert that one task takes: enough for products at full speed, few enough to share a popular
// expert.
constexpr std::int64_t kTaskRows = 256;

// An expert's rows are filled up with zeros to a multiple of this for products in bfloat16: their library
// compiles code for every shape that it meets, and the picks of each batch would bring new ones.
constexpr std::int64_t kShapeRows = 32;

/// The picks sorted by expert, then token. Kept as tensors, because a node keeps tensors.
struct Order {
  Tensor slot;   // [M] int64: which of the n k picks, -1 for a row of zeros that fills up
  Tensor place;  // [n k] int64: where it stands in `slot`, -1 for identity
  Tensor begin;  // [E + 1] int64: where an expert's rows begin in `slot`
};

/// Each expert gets a multiple of `step` rows.
Order sorted_picks(const Tensor& index, std::int64_t experts, std::int64_t step) {
  const auto* pick = index.const_data_ptr<std::int32_t>();
  const std::int64_t count = index.numel();
  const auto options = torch::TensorOptions().dtype(torch::kInt64);
  Order order{{}, torch::full({count}, -1, options), torch::zeros({experts + 1}, options)};
  auto* begin = order.begin.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < count; ++i) {
    if (pick[i] < experts) ++begin[pick[i] + 1];
  }
  for (std::int64_t e = 0; e < experts; ++e)
    begin[e + 1] = begin[e] + (begin[e + 1] + step - 1) / step * step;
  order.slot = torch::full({begin[experts]}, -1, options);
  std::vector<std::int64_t> next(begin, begin + experts);
  for (std::int64_t i = 0; i < count; ++i) {
    if (pick[i] >= experts) continue;
    const std::int64_t at = next[static_cast<std::size_t>(pick[i])]++;
    order.slot.data_ptr<std::int64_t>()[at] = i;
    order.place.data_ptr<std::int64_t>()[i] = at;
  }
  return order;
}

/// Some rows of one expert: [begin, end) of the sorted picks.
struct Piece {
  std::int64_t expert, begin, end;
  Tensor of(const Tensor& x) const { return x.slice(0, begin, end); }
};

std::vector<Piece> pieces(const Order& order, std::int64_t rows) {
  const auto* begin = order.begin.const_data_ptr<std::int64_t>();
  std::vector<Piece> result;
  for (std::int64_t e = 0; e + 1 < order.begin.numel(); ++e) {
    for (std::int64_t at = begin[e]; at < begin[e + 1]; at += rows) {
      result.push_back({e, at, std::min(begin[e + 1], at + rows)});
    }
  }
  return result;
}

/// The tokens' rows of x [n, H] in sorted order: [M, H].
template <class Stored>
Tensor in_order(const Tensor& x, const Order& order, std::int64_t k) {
  const std::int64_t count = order.slot.numel(), width = x.size(1);
  Tensor result = torch::empty({count, width}, x.options());
  over_rows(count, width, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t slot = order.slot.const_data_ptr<std::int64_t>()[i];
      Stored* row = result.data_ptr<Stored>() + i * width;
      if (slot < 0) {
        std::fill_n(row, width, Stored{});
      } else {
        std::copy_n(x.const_data_ptr<Stored>() + slot / k * width, width, row);
      }
    }
  });
  return result;
}

/// result[t] = sum over t's picks, in their order: factor[pick] * sorted[place of the pick], or for an
/// identity expert weight[pick] * x[t]. factor is `weight` or null for 1.
template <class S, class Stored>
void back_to_tokens(const Tensor& sorted, const Order& order, const S* factor, const S* weight,
                    const Tensor& x, const Tensor& result) {
  const std::int64_t tokens = x.size(0), width = x.size(1),
                     k = tokens == 0 ? 0 : order.place.numel() / tokens;
  over_rows(tokens, width * k, [&](std::int64_t begin, std::int64_t end) {
    std::vector<S> space(static_cast<std::size_t>(width));
    for (std::int64_t t = begin; t < end; ++t) {
      S* sum = result.data_ptr<S>() + t * width;
      std::fill(sum, sum + width, S{0});
      for (std::int64_t i = t * k; i < (t + 1) * k; ++i) {
        const std::int64_t place = order.place.const_data_ptr<std::int64_t>()[i];
        if (place < 0) {
          loops::add_scaled(weight[i], x.const_data_ptr<S>() + t * width, width, sum);
        } else {
          const S* row = load_row(sorted.const_data_ptr<Stored>() + place * width, width, space.data());
          loops::add_scaled(factor ? factor[i] : S{1}, row, width, sum);
        }
      }
    }
  });
}

/// mixed [M, I] = silu(gate) * up for a piece of hidden [M, 2 I].
template <class S, class Stored>
void mix(const Piece& piece, const Tensor& hidden, const Tensor& mixed) {
  const std::int64_t inner = mixed.size(1);
  std::vector<S> both(static_cast<std::size_t>(2 * inner)), result(static_cast<std::size_t>(inner));
  for (std::int64_t i = piece.begin; i < piece.end; ++i) {
    const S* row = load_row(hidden.const_data_ptr<Stored>() + i * 2 * inner, 2 * inner, both.data());
    loops::swiglu(row, row + inner, inner, result.data());
    store_row(result.data(), inner, mixed.data_ptr<Stored>() + i * inner);
  }
}

/// The backward of mix with the pick's weight in it. dmixed is the gradient before weighting; in place of it
/// comes weight * mixed, which the gradient of `down` needs. dhidden [M, 2 I], dweight [n k].
template <class S, class Stored>
void mix_backward(const Piece& piece, const Tensor& hidden, const Order& order, const S* weight,
                  const Tensor& dmixed, const Tensor& dhidden, S* dweight) {
  const std::int64_t inner = dmixed.size(1);
  const auto wide = static_cast<std::size_t>(2 * inner), narrow = static_cast<std::size_t>(inner);
  std::vector<S> both(wide), dboth(wide), mixed(narrow), space(narrow), gradient(narrow);
  for (std::int64_t i = piece.begin; i < piece.end; ++i) {
    const std::int64_t slot = order.slot.const_data_ptr<std::int64_t>()[i];
    if (slot < 0) {
      std::fill_n(dmixed.data_ptr<Stored>() + i * inner, inner, Stored{});
      std::fill_n(dhidden.data_ptr<Stored>() + i * 2 * inner, 2 * inner, Stored{});
      continue;
    }
    const S* row = load_row(hidden.const_data_ptr<Stored>() + i * 2 * inner, 2 * inner, both.data());
    Stored* stored = dmixed.data_ptr<Stored>() + i * inner;
    const S* g = load_row(stored, inner, space.data());
    loops::swiglu(row, row + inner, inner, mixed.data());
    dweight[slot] = loops::dot(g, mixed.data(), inner);
    loops::scaled(weight[slot], g, inner, gradient.data());
    loops::swiglu_backward(gradient.data(), row, row + inner, inner, dboth.data(), dboth.data() + inner);
    store_row(dboth.data(), 2 * inner, dhidden.data_ptr<Stored>() + i * 2 * inner);
    loops::scaled(weight[slot], mixed.data(), inner, mixed.data());
    store_row(mixed.data(), inner, stored);
  }
}

/// out = a b, in out's number type.
void product(const Tensor& a, const Tensor& b, Tensor out) {
  if (out.scalar_type() == a.scalar_type()) {
    at::mm_out(out, a, b);
  } else {
    out.copy_(at::mm(a, b));
  }
}

struct Experts : torch::autograd::Function<Experts> {
  static Tensor forward(AutogradContext* ctx, const Tensor& u_in, const Tensor& gate_up, const Tensor& down,
                        const Tensor& index, const Tensor& weight_in, Products products) {
    const Tensor u = u_in.contiguous(), weight = weight_in.contiguous();
    const auto type = stored_type(u, products);
    const Tensor us = u.to(type), first = gate_up.to(type).contiguous(), second = down.to(type).contiguous();
    const Order order =
        sorted_picks(index.contiguous(), gate_up.size(0), products == Products::bf16 ? kShapeRows : 1);
    const std::int64_t count = order.slot.numel(), inner = down.size(2), k = index.size(1);
    const Tensor hidden = torch::empty({count, 2 * inner}, us.options());
    const Tensor mixed = torch::empty({count, inner}, us.options());
    const Tensor sorted = torch::empty({count, u.size(1)}, us.options()), out = torch::empty_like(u);
    const std::vector<Piece> tasks = pieces(order, kTaskRows);
    for_types(u, products, [&](auto zero, auto stored) {
      using S = decltype(zero);
      using Stored = decltype(stored);
      const Tensor x = in_order<Stored>(us, order, k);
      over_tasks(static_cast<std::int64_t>(tasks.size()), [&](std::int64_t i) {
        const Piece& piece = tasks[static_cast<std::size_t>(i)];
        product(piece.of(x), first[piece.expert].t(), piece.of(hidden));
        mix<S, Stored>(piece, hidden, mixed);
        product(piece.of(mixed), second[piece.expert].t(), piece.of(sorted));
      });
      const S* w = weight.const_data_ptr<S>();
      back_to_tokens<S, Stored>(sorted, order, w, w, u, out);
    });
    ctx->save_for_backward({u, us, first, second, weight, hidden, order.slot, order.place, order.begin});
    ctx->saved_data["bf16"] = products == Products::bf16;
    return out;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &u = saved[0], &us = saved[1], &first = saved[2], &second = saved[3], &weight = saved[4];
    const Tensor& hidden = saved[5];
    const Order order{saved[6], saved[7], saved[8]};
    const Products products = ctx->saved_data["bf16"].toBool() ? Products::bf16 : Products::f32;
    const Tensor g = gradients[0].contiguous(), gs = g.to(us.scalar_type());
    const std::int64_t count = order.slot.numel(), inner = second.size(2), k = weight.size(1);
    const Tensor dmixed = torch::empty({count, inner}, us.options()), dhidden = torch::empty_like(hidden);
    const Tensor sorted = torch::empty({count, u.size(1)}, us.options());
    const Tensor du = torch::empty_like(u), dweight = torch::empty_like(weight);
    const Tensor dfirst = torch::empty(first.sizes(), u.options()),
                 dsecond = torch::empty(second.sizes(), u.options());
    const std::vector<Piece> tasks = pieces(order, kTaskRows);
    for_types(u, products, [&](auto zero, auto stored) {
      using S = decltype(zero);
      using Stored = decltype(stored);
      const S* w = weight.const_data_ptr<S>();
      const Tensor x = in_order<Stored>(us, order, k), gx = in_order<Stored>(gs, order, k);
      over_tasks(static_cast<std::int64_t>(tasks.size()), [&](std::int64_t i) {
        const Piece& piece = tasks[static_cast<std::size_t>(i)];
        product(piece.of(gx), second[piece.expert], piece.of(dmixed));
        mix_backward<S, Stored>(piece, hidden, order, w, dmixed, dhidden, dweight.data_ptr<S>());
        product(piece.of(dhidden), first[piece.expert], piece.of(sorted));
      });
      over_tasks(first.size(0), [&](std::int64_t e) {
        const auto* begin = order.begin.const_data_ptr<std::int64_t>() + e;
        const Piece all{e, begin[0], begin[1]};
        if (all.begin == all.end) {
          dfirst[e].zero_();
          dsecond[e].zero_();
          return;
        }
        product(all.of(dhidden).t(), all.of(x), dfirst[e]);
        product(all.of(gx).t(), all.of(dmixed), dsecond[e]);
      });
      back_to_tokens<S, Stored>(sorted, order, nullptr, w, g, du);
      identity_weights<S>(order, g, u, dweight);
    });
    return {du, dfirst, dsecond, Tensor(), dweight, Tensor()};
  }

  /// An identity expert returns u: its weight's gradient is g . u.
  template <class S>
  static void identity_weights(const Order& order, const Tensor& g, const Tensor& u, const Tensor& dweight) {
    const std::int64_t k = dweight.size(1), width = u.size(1);
    over_rows(u.size(0), width, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin * k; i < end * k; ++i) {
        if (order.place.const_data_ptr<std::int64_t>()[i] >= 0) continue;
        const std::int64_t at = i / k * width;
        dweight.data_ptr<S>()[i] = loops::dot(g.const_data_ptr<S>() + at, u.const_data_ptr<S>() + at, width);
      }
    });
  }
};

}  // namespace

Tensor experts(const Tensor& u, const Tensor& gate_up, const Tensor& down, const Picks& picks,
               Products products) {
  const bool ours = served(u, products) && u.scalar_type() == picks.weight.scalar_type() &&
                    picks.index.scalar_type() == torch::kInt32;
  if (!u.is_cpu()) return batched_experts(u, gate_up, down, picks, products);
  if (!ours) return plain::experts(u, gate_up, down, picks, products);
  return Experts::apply(u, gate_up, down, picks.index, picks.weight, products);
}

}  // namespace nestor::train::ops
