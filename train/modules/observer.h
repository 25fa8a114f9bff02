// Activations by the names that the inference engine gives them (layers/observer.h), for comparing the two.
#pragma once

#include <string_view>

#include "train/torch.h"

namespace nestor::train {

/// The default sees nothing. A name comes in two pieces: the layer ("model.layers.3") and the value in it
/// (".self_attn.0").
class Observer {
 public:
  virtual ~Observer() = default;
  /// value [n, cols]; of the router: the picks [n, k] under ".mlp.chosen".
  virtual void see(std::string_view layer, std::string_view part, const torch::Tensor& value);
};

}  // namespace nestor::train
