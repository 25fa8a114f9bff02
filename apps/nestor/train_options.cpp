#include "train_options.h"

#include <fmt/format.h>

#include "not_empty.h"

namespace nestor::app {

void add_train_options(CLI::App& parser, TrainOptions& o) {
  parser
      .add_option("RECIPE", o.recipe, "A recipe: a JSON file, or smoke, story, smoke-vanilla, story-vanilla")
      ->required();
  parser.add_option("--out", o.folder, "The folder of the run; the finished checkpoint is DIR/final")
      ->required()
      ->check(not_empty())
      ->option_text("DIR");
  parser.add_flag("--resume", o.resume, "Go on from the last snapshot in DIR; start if there is none");
  CLI::Option* initial = parser
                             .add_option("--init", o.initial,
                                         "Start from the weights of a checkpoint, a run or a snapshot of one")
                             ->check(not_empty())
                             ->option_text("FOLDER");
  parser
      .add_flag("--with-optimizer", o.with_optimizer, "Take the state of the snapshot's optimizer over, too")
      ->needs(initial);
  parser
      .add_option("--set", o.overrides, "Change a value of the recipe, as in schedule.steps=500 (repeatable)")
      ->option_text("KEY=VALUE")
      ->allow_extra_args(false);
  parser.add_option("--speed", o.speed, "Of matrix products here, if it is known: it is not measured then")
      ->check(CLI::Range(0.001, 1e9))
      ->option_text("GFLOPS");
  parser.footer(
      "Examples:\n  nestor train smoke --out run\n"
      "  nestor train my.json --out run --set schedule.steps=500 --set data.rows=4\n"
      "  nestor train my.json --out run --resume");
}

std::vector<std::string> to_arguments(const TrainOptions& o) {
  std::vector<std::string> arguments = {o.recipe, "--out", o.folder};
  if (o.resume) arguments.emplace_back("--resume");
  if (!o.initial.empty()) arguments.insert(arguments.end(), {"--init", o.initial});
  if (o.with_optimizer) arguments.emplace_back("--with-optimizer");
  if (o.speed > 0) arguments.insert(arguments.end(), {"--speed", fmt::format("{}", o.speed)});
  for (const std::string& item : o.overrides) arguments.insert(arguments.end(), {"--set", item});
  return arguments;
}

}  // namespace nestor::app
