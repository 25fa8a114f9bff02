#include "tiny_corpus.h"

#include "base/file.h"
#include "corpus/shard_writer.h"

namespace nestor::testing {
namespace {

corpus::SplitSummary write_split(const std::filesystem::path& folder, corpus::Split split,
                                 const TinyCorpus& corpus) {
  corpus::ShardWriter writer(folder, split, corpus::id_bytes_for(corpus.vocab_size), corpus.tokens_per_file);
  for (std::vector<TokenId> ids : split == corpus::Split::train ? corpus.train : corpus.heldout) {
    const auto bytes = static_cast<std::int64_t>(2 * ids.size());
    ids.push_back(kEos);
    writer.add(ids, bytes);
  }
  return writer.finish();
}

}  // namespace

std::filesystem::path write_tiny(const std::filesystem::path& folder, const TinyCorpus& corpus) {
  std::filesystem::create_directories(folder);
  corpus::Manifest manifest;
  manifest.tokenizer = "0123";
  manifest.vocab_size = corpus.vocab_size;
  manifest.eos = kEos;
  manifest.id_bytes = corpus::id_bytes_for(corpus.vocab_size);
  manifest.tokens_per_file = corpus.tokens_per_file;
  manifest.train = write_split(folder, corpus::Split::train, corpus);
  manifest.heldout = write_split(folder, corpus::Split::heldout, corpus);
  write_file(folder / corpus::kManifestName, to_text(corpus::to_json(manifest)));
  return folder;
}

std::vector<std::vector<TokenId>> documents_of(const std::vector<std::int64_t>& lengths) {
  std::vector<std::vector<TokenId>> documents;
  TokenId next = 2;
  for (const std::int64_t length : lengths) {
    std::vector<TokenId> ids;
    for (std::int64_t i = 1; i < length; ++i) ids.push_back(next++);
    documents.push_back(ids);
  }
  return documents;
}

}  // namespace nestor::testing
