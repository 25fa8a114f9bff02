// nestor inspect: what a checkpoint or a configuration is made of.
#include "arguments.h"
#include "base/json.h"
#include "inspect_report.h"
#include "named_config.h"
#include "terminal.h"

namespace nestor::app {
namespace {

struct Options {
  std::string model;
  bool json = false;
};

int execute(const Options& o, const assemble::OpenOptions& engine) {
  const auto show = [&](const Inspection& found) {
    print(o.json ? to_text(json_report(found), 1) + "\n" : text_report(found));
  };
  if (is_built_in(o.model)) {
    show(inspect(o.model, named_config(o.model, engine)));
  } else {
    auto model = assemble::open(resolve_model(o.model), engine);
    show(inspect(model));
  }
  return 0;
}

}  // namespace

Command inspect_command(CLI::App& root, const assemble::OpenOptions& engine) {
  auto o = std::make_shared<Options>();
  CLI::App* app =
      root.add_subcommand("inspect", "Show configuration, parameters, bytes and tensors of a model");
  add_model(*app, o->model, "checkpoint folder, a config.json, or lite or tiny");
  app->add_flag("--json", o->json, "Print one JSON object, every tensor included");
  app->footer(
      "Examples:\n  nestor inspect\n  nestor inspect some/config.json\n  nestor inspect lite\n  nestor "
      "inspect MODEL --json");
  return {app, [o, &engine] { return execute(*o, engine); }, {"--accept-key"}};
}

}  // namespace nestor::app
