// The mathematics of training that is worth more than a chain of torch calls: each function is one node of
// the autograd graph with a hand-written backward. On devices other than the CPU, and in tests as oracles,
// the functions of `plain` serve, and batched_experts: the same values composed of torch's own operations.
// Letters: n tokens, B rows of T positions (n = B T), H hidden, I inner size, A heads, E experts, k picks, V
// vocabulary.
#pragma once

#include "train/torch.h"

namespace nestor::train::ops {

using torch::Tensor;

/// What matrix products are computed in. Parameters and everything between products stay float32.
enum class Products { f32, bf16 };

/// x [.., d_in] times w [d_out, d_in] transposed.
Tensor linear(const Tensor& x, const Tensor& w, Products products);

/// x [.., d] / sqrt(mean(x^2) + eps) * weight [d].
Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps);

/// silu(gate) * up, both [n, I].
Tensor swiglu(const Tensor& gate, const Tensor& up);

/// Interleaved rotary embedding (pairs 2j, 2j+1) of x [n, A, R]; cos and sin [n, R / 2].
Tensor rotate(const Tensor& x, const Tensor& cos, const Tensor& sin);

/// Causal attention inside segments. q, k [B, T, A, d], v [B, T, A, dv]; segment [B, T] int32, non-decreasing
/// along T: a position sees itself and earlier ones of its own segment. Result [B, T, A, dv]. On the CPU all
/// is computed in float32 whatever `products` says: bfloat16 gains nothing with narrow heads.
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& segment, double scale,
                 Products products);

/// The picks of a router: index [n, k] int32 (>= E means an identity expert), which has no gradient, and
/// weight [n, k] float32, which carries gradient. The picks of one token are distinct.
struct Picks {
  Tensor index;
  Tensor weight;
};

/// sum_j weight_j * expert_j(u), u [n, H]; gate_up [E, 2 I, H] (gate rows first), down [E, H, I];
/// an identity expert returns u.
Tensor experts(const Tensor& u, const Tensor& gate_up, const Tensor& down, const Picks& picks,
               Products products);

/// The same on any device, in few launches and more memory: what `experts` does on a GPU.
Tensor batched_experts(const Tensor& u, const Tensor& gate_up, const Tensor& down, const Picks& picks,
                       Products products);

/// What a router decides. The probabilities [n, E + Z] carry gradient too (for losses on the balance of
/// experts).
struct Routed {
  Picks picks;
  Tensor probabilities;
};

/// Softmax of logits [n, E + Z] (float32), the k largest of probability + bias [E + Z] in descending order
/// (ties to the lower index), and as weights their probabilities times `scaling`, not renormalised. The bias
/// has no gradient.
Routed route(const Tensor& logits, const Tensor& bias, std::int64_t k, double scaling);

/// Summed negative log-likelihood (a scalar) of targets [n] int64 under softmax(h [n, H] w [V, H]^T); targets
/// below 0 are not scored. Logits are never kept whole. Where gradients are wanted, both are computed with
/// the loss: the backward pass only multiplies them.
Tensor linear_cross_entropy(const Tensor& h, const Tensor& w, const Tensor& targets, Products products);

/// rows [U, W] at index [n] int32: [n, W]. The gradient of each row is summed in the order of n.
Tensor gather_rows(const Tensor& rows, const Tensor& index);

namespace plain {
Tensor linear(const Tensor& x, const Tensor& w, Products products);
Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps);
Tensor swiglu(const Tensor& gate, const Tensor& up);
Tensor rotate(const Tensor& x, const Tensor& cos, const Tensor& sin);
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& segment, double scale,
                 Products products);
Tensor experts(const Tensor& u, const Tensor& gate_up, const Tensor& down, const Picks& picks,
               Products products);
Routed route(const Tensor& logits, const Tensor& bias, std::int64_t k, double scaling);
Tensor linear_cross_entropy(const Tensor& h, const Tensor& w, const Tensor& targets, Products products);
Tensor gather_rows(const Tensor& rows, const Tensor& index);
}  // namespace plain

}  // namespace nestor::train::ops
