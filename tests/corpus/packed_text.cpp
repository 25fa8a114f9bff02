#include "packed_text.h"

#include <gtest/gtest.h>
#include <lzma.h>
#include "support/paths.h"

namespace nestor::testing {

const corpus::CorpusTokenizer& small_tokenizer() {
  static const corpus::CorpusTokenizer tokenizer =
      corpus::open_corpus_tokenizer(test_data_folder() / "tokenizer" / "longcat");
  return tokenizer;
}

std::vector<std::string> texts_of(const std::filesystem::path& folder, corpus::Split split) {
  const corpus::Shards shards(folder, split);
  std::vector<std::string> texts;
  std::int64_t bytes = 0;
  for (std::int64_t d = 0; d < shards.documents(); ++d) {
    const std::int64_t first = shards.document_start(d);
    std::vector<TokenId> ids(static_cast<std::size_t>(shards.document_start(d + 1) - first));
    shards.read(first, ids);
    EXPECT_EQ(ids.back(), shards.eos());
    ids.pop_back();
    texts.push_back(small_tokenizer().tokenizer.decode(ids, tokenizer::ControlText::keep));
    bytes += std::ssize(texts.back());
  }
  EXPECT_EQ(bytes, shards.text_bytes());
  return texts;
}

std::string packed_xz(std::string_view bytes) {
  std::string out(lzma_stream_buffer_bound(bytes.size()), '\0');
  std::size_t size = 0;
  const lzma_ret result = lzma_easy_buffer_encode(
      1, LZMA_CHECK_CRC32, nullptr, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(),
      reinterpret_cast<std::uint8_t*>(out.data()), &size, out.size());
  EXPECT_EQ(result, LZMA_OK);
  out.resize(size);
  return out;
}

}  // namespace nestor::testing
