// Activations by name while a forward pass computes them: for tests, and to find where two implementations
// part.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernels/ops.h"
#include "kernels/route.h"

namespace nestor::layers {

/// The default sees nothing. Names come in two pieces, the layer ("model.layers.3") and the value in it
/// (".self_attn.0"), so that nothing is formatted when nobody looks.
class Observer {
 public:
  virtual ~Observer() = default;

  /// values [rows, cols]; valid during the call only.
  virtual void see(std::string_view /*layer*/, std::string_view /*part*/, kernels::Rows /*values*/,
                   std::int64_t /*rows*/, std::int64_t /*cols*/) {}

  /// The experts that each row chose, of layer + ".mlp".
  virtual void see_routing(std::string_view /*layer*/, const kernels::Routing& /*routing*/) {}
};

}  // namespace nestor::layers
