#include "draft_options.h"

#include "base/error.h"

namespace nestor::app {

void add_draft_options(CLI::App& parser, DraftOptions& o) {
  const std::string group = "Speculative decoding (the text stays the same)";
  parser
      .add_option("--draft", o.draft,
                  "Who drafts: off, auto (what pays), or mtp, lookup, several with commas (default auto)")
      ->option_text("WHO")
      ->group(group);
  parser.add_option("--draft-tokens", o.tokens, "Always K drafts (default: as many as pay)")
      ->check(CLI::Range(std::int64_t{1}, decode::kMostDrafts))
      ->option_text("K")
      ->group(group);
  parser
      .add_option("--draft-embedding", o.embedding,
                  "What mtp sees of tokens: ngram, the model's n-gram embedding, or word, its own word table")
      ->check(CLI::IsMember({"ngram", "word"}))
      ->option_text("WHICH")
      ->group(group);
}

assemble::OpenOptions with_drafts(assemble::OpenOptions engine, const DraftOptions& o) {
  engine.drafts = decode::parse_draft_wish(o.draft);
  engine.drafts.tokens = o.tokens;
  engine.draft_embedding =
      o.embedding == "word" ? model::DraftBlock::word_embedding : model::DraftBlock::ngram_embedding;
  return engine;
}

}  // namespace nestor::app
