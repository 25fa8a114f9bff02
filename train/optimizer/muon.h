// Muon (K. Jordan and others 2024, "Muon: an optimizer for hidden layers in neural networks"): the direction
// of a step is the matrix of momentum with its singular values brought near 1.
#pragma once

#include "train/ops/ops.h"
#include "train/torch.h"

namespace nestor::train {

/// Each matrix of a stack [n, out, in] by five Newton-Schulz steps of degree 5 on X / |X|:
///   X <- a X + (b A + c A A) X,  A = X X',  (a, b, c) = (3.4445, -4.7750, 2.0315).
/// Singular values end in [0.68, 1.13] where they began above some 0.002 of the norm; smaller ones grow 3.4^5
/// times. Products in f32 or bf16.
torch::Tensor orthogonalized(const torch::Tensor& stack, ops::Products products);

/// The learning rate of a matrix relative to the recipe's: sqrt(max(1, out / in)). A step then changes the
/// root mean square of the outputs by about as much for all shapes.
double muon_scale(std::int64_t out, std::int64_t in);

}  // namespace nestor::train
