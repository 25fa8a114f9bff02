// Corpora of a few tokens, written with the library's own writer: document d holds the ids that the test
// gives, then EOS.
#pragma once

#include <filesystem>
#include <vector>

#include "base/token_id.h"
#include "corpus/manifest.h"
#include "corpus/shards.h"

namespace nestor::testing {

inline constexpr TokenId kEos = 1;

struct TinyCorpus {
  std::vector<std::vector<TokenId>> train = {}, heldout = {};  // without EOS
  std::int64_t vocab_size = 1000;
  std::int64_t tokens_per_file = 1 << 20;
};

/// Writes the folder; returns its path.
std::filesystem::path write_tiny(const std::filesystem::path& folder, const TinyCorpus& corpus);

/// Documents of these lengths (EOS included) whose ids are all different: 2, 3, 4, ...
std::vector<std::vector<TokenId>> documents_of(const std::vector<std::int64_t>& lengths);

}  // namespace nestor::testing
