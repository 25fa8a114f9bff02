// nestor tokenize: text to token ids.
#include <fmt/ranges.h>

#include "arguments.h"
#include "base/json.h"
#include "terminal.h"

namespace nestor::app {
namespace {

struct Options {
  std::string model;
  std::optional<std::string> text;
  std::optional<std::string> file;
  bool no_special = false;
  bool plain = false;
  bool json = false;
};

int execute(const Options& o) {
  assemble::OpenOptions open;
  open.see_note = [](const std::string& text) { note(text); };
  auto model = assemble::open(resolve_model(o.model), open);
  const tokenizer::Tokenizer& tokenizer = model.tokenizer();
  const std::string text = o.text ? *o.text : read_text(*o.file);
  const auto added = o.no_special ? tokenizer::PostProcess::omit : tokenizer::PostProcess::add;
  const auto control = o.plain ? tokenizer::ControlTokens::nowhere() : tokenizer::ControlTokens::everywhere();
  const std::vector<TokenId> ids = tokenizer.encode(text, added, control);
  print(o.json ? to_text(Json(ids)) + "\n" : fmt::format("{}\n", fmt::join(ids, " ")));
  return 0;
}

}  // namespace

Command tokenize_command(CLI::App& root) {
  auto o = std::make_shared<Options>();
  CLI::App* app = root.add_subcommand("tokenize", "Print the token ids of a text");
  add_model(*app, o->model, "checkpoint folder or a tokenizer.json");
  const std::string source = "Text (exactly one)";
  app->add_option("--text", o->text, "The text")->option_text("TEXT")->group(source);
  app->add_option("--file", o->file, "A file with the text (its exact bytes), - for standard input")
      ->option_text("FILE")
      ->group(source);
  app->add_flag("--no-special", o->no_special, "Without what the post-processor adds, such as a start token");
  app->add_flag("--plain", o->plain, "Read control tokens written in the text as ordinary text");
  app->add_flag("--json", o->json, "Print a JSON list");
  app->footer(
      "Examples:\n  nestor tokenize --text \"Once upon a time\"\n"
      "  nestor tokenize MODEL --file book.txt --no-special --json");
  return {app, [o, app] {
            require_one_of(*app, {"--text", "--file"});
            return execute(*o);
          }};
}

}  // namespace nestor::app
