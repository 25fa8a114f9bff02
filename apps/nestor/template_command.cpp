// nestor template: messages to the prompt text that a model reads.
#include "arguments.h"
#include "base/json.h"
#include "terminal.h"

namespace nestor::app {
namespace {

struct Options {
  std::string model;
  std::string input;
};

int execute(const Options& o) {
  auto model = assemble::open(resolve_model(o.model));
  const Json request = parse_json(read_text(o.input), o.input == "-" ? "standard input" : o.input);
  print(model.chat().render(request, chat::LocalTime::now()).text);
  return 0;
}

}  // namespace

Command template_command(CLI::App& root) {
  auto o = std::make_shared<Options>();
  CLI::App* app = root.add_subcommand("template", "Render a conversation with the chat template of a model");
  add_model(*app, o->model, "checkpoint folder or a template file");
  app->add_option("--input", o->input,
                  "JSON with messages, tools, add_generation_prompt, ...; - for standard input")
      ->required()
      ->option_text("F.json");
  app->footer(
      "Example:\n"
      "  echo '{\"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}], \"add_generation_prompt\": "
      "true}' |\n"
      "    nestor template --input -");
  return {app, [o] { return execute(*o); }};
}

}  // namespace nestor::app
