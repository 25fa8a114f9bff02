// What `nestor inspect` finds out, and how it shows it.
#pragma once

#include <string>
#include <vector>

#include "assemble/open.h"
#include "base/json.h"
#include "config/budget.h"
#include "config/footprint.h"
#include "config/tensor_list.h"

namespace nestor::app {

/// One tensor as it is stored, or as a new checkpoint of the configuration would store it.
struct TensorLine {
  std::string name;
  DType dtype{};
  std::vector<std::int64_t> shape;
  std::uint64_t bytes = 0;
  std::string file;  // empty where only a configuration was given
};

struct Inspection {
  std::string name;
  config::ModelConfig config;
  config::NameLayout layout;
  config::Footprint footprint;
  /// Null where there are no weights: a config.json, or a folder that has no more than that.
  const checkpoint::Checkpoint* files = nullptr;
  std::vector<TensorLine> tensors;
  config::Tally bytes;  // scales included
};

/// A configuration alone: tensors are those that a new checkpoint would have.
Inspection inspect(const std::string& name, const config::ModelConfig& config);

/// Reads a folder (checked as for loading) or a configuration alone, whose tensors are then those that a new
/// checkpoint would have.
/// The result refers to `model`.
Inspection inspect(assemble::OpenedModel& model);

std::string text_report(const Inspection& found);
Json json_report(const Inspection& found);

}  // namespace nestor::app
