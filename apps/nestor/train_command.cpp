// nestor train: hands the work to nestor-train.
#include <fmt/format.h>

#include "arguments.h"
#include "train_options.h"
#include "trainer_program.h"

namespace nestor::app {
namespace {

int execute(const TrainOptions& options, const assemble::OpenOptions& engine) {
  std::vector<std::string> arguments = to_arguments(options);
  if (engine.threads > 0)
    arguments.insert(arguments.end(), {"--set", fmt::format("threads={}", engine.threads)});
  become_trainer(arguments);
}

}  // namespace

Command train_command(CLI::App& root, const assemble::OpenOptions& engine) {
  auto o = std::make_shared<TrainOptions>();
  CLI::App* app = root.add_subcommand("train", "Train a model as a recipe says");
  add_train_options(*app, *o);
  return {app, [o, &engine] { return execute(*o, engine); }, {"--threads"}};
}

}  // namespace nestor::app
