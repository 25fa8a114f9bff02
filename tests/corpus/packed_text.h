// Files of text for packing, with a small tokenizer, and what a packed corpus says when it is decoded again.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "corpus/pack.h"
#include "corpus/shards.h"
#include "corpus/text_encoding.h"

namespace nestor::testing {

/// The tokenizer tests/data/tokenizer/longcat; EOS is </longcat_s>.
const corpus::CorpusTokenizer& small_tokenizer();

/// The texts of a split's documents in their order, each with its EOS checked and taken off.
std::vector<std::string> texts_of(const std::filesystem::path& folder, corpus::Split split);

/// All bytes as one packed file.
std::string packed_xz(std::string_view bytes);
std::string packed_gz(std::string_view bytes);
std::string packed_zst(std::string_view bytes);
std::string packed_bz2(std::string_view bytes);

/// A text of UTF-8 in UTF-16 or UTF-32, without adding a mark.
std::string wide(std::string_view text, const corpus::WideEncoding& encoding);

}  // namespace nestor::testing
