// nestor ngram-ids: which rows of the n-gram tables a sequence reads. Needs no weights.
#include "arguments.h"
#include "base/error.h"
#include "base/json.h"
#include "hash/ngram_hash.h"
#include "terminal.h"

namespace nestor::app {
namespace {

struct Options {
  std::string model;
  std::string ids;
};

int execute(const Options& o, const assemble::OpenOptions& engine) {
  const std::vector<TokenId> ids = parse_ids(o.ids);
  auto model = assemble::open(resolve_model(o.model), engine);
  const config::ModelConfig& config = model.config();
  if (!config.ngram) {
    fail(ErrorKind::unsupported, "this model ({}) has no n-gram tables", config.architecture);
  }
  for (const TokenId id : ids) {
    if (id >= config.vocab_size) {
      fail(ErrorKind::bad_input, "token id {} is outside the vocabulary of {}", id, config.vocab_size);
    }
  }
  const hash::NgramHash hash(*config.ngram, config.eos_token_ids);
  const std::vector<std::int64_t> rows = hash.rows_from(ids, 0);
  const auto tables = static_cast<std::ptrdiff_t>(hash.tables());
  Json out = Json::array();
  for (auto at = rows.begin(); at != rows.end(); at += tables) {
    out.push_back(std::vector<std::int64_t>(at, at + tables));
  }
  print(to_text(out) + "\n");
  return 0;
}

}  // namespace

Command ngram_ids_command(CLI::App& root, const assemble::OpenOptions& engine) {
  auto o = std::make_shared<Options>();
  CLI::App* app =
      root.add_subcommand("ngram-ids", "Print the n-gram table rows of a sequence as JSON [T][tables]");
  add_model(*app, o->model, "checkpoint folder or a config.json");
  app->add_option("--ids", o->ids, "Token ids, e.g. \"1 2 3\"")->required()->option_text("IDS");
  app->footer(
      "Examples:\n  nestor ngram-ids --ids \"63 1883 601\"\n"
      "  nestor ngram-ids some/config.json --ids \"10 11 2 14\"");
  return {app, [o, &engine] { return execute(*o, engine); }, {"--accept-key"}};
}

}  // namespace nestor::app
