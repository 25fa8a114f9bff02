// A tokenizer as a corpus needs it: with the id that ends documents, and a fingerprint by which a corpus and
// a run recognise each other.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "tokenizer/tokenizer.h"

namespace nestor::corpus {

struct CorpusTokenizer {
  tokenizer::Tokenizer tokenizer;
  std::string fingerprint;  // hash of the bytes of tokenizer.json
  TokenId eos = 0;
  std::int64_t vocab_size = 0;  // largest id + 1
};

/// Reads a tokenizer.json, or the one of a folder. EOS is the token `eos`; without it the "eos_token" of the
/// tokenizer_config.json beside it; without that </longcat_s>, the family's. Throws Error: what
/// Tokenizer::load throws; bad_input if no EOS can be found or the token that is named does not exist.
CorpusTokenizer open_corpus_tokenizer(const std::filesystem::path& file_or_folder,
                                      const std::optional<std::string>& eos = std::nullopt);

}  // namespace nestor::corpus
