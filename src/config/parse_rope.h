// The rotary part of a config.json: rope_theta with rope_scaling, or the one object rope_parameters that
// holds both.
#pragma once

#include "config/json_fields.h"
#include "config/model_config.h"

namespace nestor::config {

void read_rope(Fields& fields, const AcceptedKeys& accepted, ModelConfig& config);

}  // namespace nestor::config
