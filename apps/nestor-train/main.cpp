// nestor-train: trains a model. Usually started by `nestor train`, whose options and exit codes it shares.
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <limits>

#include "base/error.h"
#include "live_progress.h"
#include "nestor/assets.h"
#include "nestor/conversation_writer.h"
#include "nestor/environment.h"
#include "nestor/exit_code.h"
#include "nestor/help_format.h"
#include "nestor/interrupt.h"
#include "nestor/terminal.h"
#include "nestor/train_options.h"
#include "processors.h"
#include "recipe/presets.h"
#include "recipe/recipe_json.h"
#include "stop_signals.h"
#include "train/loop/training.h"

namespace nestor::app {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostRecipeBytes = 16U << 20;

// File names in a recipe are relative to it, those of presets to the assets, those given by --set to where we
// are.
recipe::Recipe read_recipe(const TrainOptions& options) {
  // A folder of a preset's name is where its run may be.
  const bool is_file = options.recipe.ends_with(".json") || fs::is_regular_file(options.recipe);
  Json json = is_file ? read_json(options.recipe, kMostRecipeBytes) : recipe::preset(options.recipe);
  recipe::anchor_paths(json, is_file ? fs::absolute(options.recipe).parent_path() : assets_folder());
  for (const std::string& item : options.overrides) recipe::apply_override(json, item);
  recipe::anchor_paths(json, fs::current_path());
  return recipe::parse_recipe(json, options.recipe);
}

// nestor-train export RUN FOLDER, which `nestor convert` calls.
int export_run(const std::string& run, const std::string& target) {
  LiveProgress progress([](const std::string&) {});
  train::export_snapshot(run, target, progress);
  progress.say(fmt::format("{}: written; try nestor run {}", target, target));
  return 0;
}

int run(int argc, char** argv) {
  if (argc == 4 && argv[1] == std::string("export")) return export_run(argv[2], argv[3]);
  CLI::App parser{"Train a model as a recipe says", "nestor-train"};
  parser.formatter(std::make_shared<HelpFormat>());
  parser.set_help_flag("-h,--help", "Print this help");
  parser.set_version_flag("--version", "nestor-train " NESTOR_VERSION, "Print the version");
  TrainOptions options;
  add_train_options(parser, options);
  try {
    parser.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return print_help(parser, e);
    fail(ErrorKind::usage, "{}", usage_message(parser, e));
  }
  while (options.folder.size() > 1 && options.folder.ends_with('/')) options.folder.pop_back();
  train::TrainingRequest request;
  request.recipe = read_recipe(options);
  request.conversations = conversation_writer(request.recipe.data.tokenizer);
  request.folder = options.folder;
  request.initial = options.initial;
  if (options.with_optimizer) request.taken = train::TrainingRequest::Taken::everything;
  request.known_speed = 1e9 * options.speed;
  request.mode = options.resume ? train::RunFolder::Mode::resume : train::RunFolder::Mode::fresh;
  StopSignals signals;
  LiveProgress progress([&](const std::string& text) { signals.set_last_words(text); });
  const std::stop_callback notice(signals.stop(), [&] { progress.stopping(); });
  switch (train::train(request, progress, signals.stop())) {
    case train::Outcome::finished:
      progress.say(fmt::format("{}: finished; try nestor run {}/final", options.folder, options.folder));
      return 0;
    case train::Outcome::already_finished:
      progress.say(fmt::format("{}: this run is finished already; its checkpoint is {}/final", options.folder,
                               options.folder));
      return 0;
    case train::Outcome::interrupted:
      progress.say(fmt::format("{}: interrupted; give --resume to go on", options.folder));
      return kInterruptedExit;
  }
  fail(ErrorKind::internal, "the run ended in no known way");
}

// A step takes and gives back the same large blocks again and again. By default the allocator returns each to
// the operating system and faults its pages in afresh, which costs a small model much of its speed
// (study/LOG.md); so it keeps them.
void keep_freed_memory() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TOP_PAD, 64 << 20);
}

}  // namespace
}  // namespace nestor::app

int main(int argc, char** argv) {
  // Threads that wait by spinning are a third faster where nobody else computes, and where somebody does up
  // to ten times slower: they keep the processor from the one that they wait for. OpenMP reads once, before
  // main, how they wait, so this starts again; where it cannot, it goes on.
  if (!nestor::app::waiting_is_decided() && !nestor::app::has_processors_alone()) {
    nestor::app::wait_by_sleeping();
    ::execv("/proc/self/exe", argv);
  }
  nestor::app::hold_standard_streams();
  nestor::app::end_on_bus_errors();
  nestor::app::keep_freed_memory();
  return nestor::app::exit_code_of([&] { return nestor::app::run(argc, argv); });
}
