// What `nestor inspect` finds out, and how it shows it.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>

#include "base/json.h"
#include "checkpoint/checkpoint.h"
#include "config/footprint.h"
#include "config/model_config.h"
#include "config/tensor_list.h"

namespace nestor::app {

struct Inspection {
  std::string name;
  config::ModelConfig config;
  config::NameLayout layout;
  config::Footprint footprint;
  /// Null where only a config.json was given.
  std::shared_ptr<const checkpoint::Checkpoint> files;
  /// Stored bytes by part, scales included; zero without files.
  std::array<std::uint64_t, config::kParts> bytes{};
};

/// Reads a folder (checked as for loading) or a config.json alone.
Inspection inspect(const std::filesystem::path& folder_or_file, const config::AcceptedKeys& accepted);

std::string text_report(const Inspection& found);
Json json_report(const Inspection& found);

}  // namespace nestor::app
