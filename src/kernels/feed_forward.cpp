#include "kernels/feed_forward.h"

#include "kernels/gated.h"

namespace nestor::kernels {

void feed_forward(const Context& ctx, const FeedForwardWeights& w, const Input& x, Rows y) {
  const GatedProduct product{&w.gate, &w.up, &w.down, x, {}, y};
  gated_products(ctx, {&product, 1});
}

void feed_forward(const Context& ctx, const EmbeddedFeedForwardWeights& w, const Input& x, Rows e, Rows y) {
  const GatedProduct product{&w.gate, nullptr, &w.down, x, e, y};
  gated_products(ctx, {&product, 1});
}

}  // namespace nestor::kernels
