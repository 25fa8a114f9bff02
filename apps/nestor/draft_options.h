// The options of speculative decoding, of commands that generate.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "assemble/open.h"

namespace nestor::app {

struct DraftOptions {
  std::string draft = "auto";
  std::optional<std::int64_t> tokens;
  std::string embedding = "ngram";
};

void add_draft_options(CLI::App& parser, DraftOptions& options);

/// `engine` with what is to be drafted with. Error(usage) for an unknown drafter.
assemble::OpenOptions with_drafts(assemble::OpenOptions engine, const DraftOptions& options);

}  // namespace nestor::app
