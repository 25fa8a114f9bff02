// nestor detokenize: token ids to text.
#include "arguments.h"
#include "terminal.h"

namespace nestor::app {
namespace {

struct Options {
  std::string model;
  std::string ids;
  bool skip_special = false;
};

int execute(const Options& o) {
  auto model = assemble::open(resolve_model(o.model));
  print(model.tokenizer().decode(
      parse_ids(o.ids), o.skip_special ? tokenizer::ControlText::skip : tokenizer::ControlText::keep));
  return 0;
}

}  // namespace

Command detokenize_command(CLI::App& root) {
  auto o = std::make_shared<Options>();
  CLI::App* app =
      root.add_subcommand("detokenize", "Print the text of token ids, without a newline after it");
  add_model(*app, o->model, "checkpoint folder or a tokenizer.json");
  app->add_option("--ids", o->ids, "Token ids, e.g. \"1 2 3\"")->required()->option_text("IDS");
  app->add_flag("--skip-special", o->skip_special, "Leave out control tokens");
  app->footer("Example:\n  nestor detokenize --ids \"63 1883 601\"");
  return {app, [o] { return execute(*o); }};
}

}  // namespace nestor::app
