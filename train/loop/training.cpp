#include "train/loop/training.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "recipe/recipe_json.h"
#include "train/loop/finish.h"
#include "train/loop/plan.h"
#include "train/loop/resume.h"
#include "train/loop/run_data.h"
#include "train/loop/trainer.h"

namespace nestor::train {
namespace {

// The resolved run, and whether it fits; nothing of size is allocated before.
void say_plan(const recipe::Recipe& recipe, RunObserver& observer) {
  observer.say(to_text(recipe::to_json(recipe), 2));
  observer.say(parameter_table(recipe));
  const MemoryPlan plan = memory_plan(recipe);
  const std::uint64_t available = system_memory().available;
  observer.say(memory_table(plan, available));
  check_memory(recipe, plan, available);
}

// What has to be known before the model is made.
struct Setting {
  RunData data;
  std::optional<State> saved;  // to go on from
  torch::Device device;
  Speed speed = {};
  Arithmetic arithmetic = {};
};

// Products as those of a batch with the dense MLPs, or of as much of it as says the same.
ProductShape product_shape(const recipe::Recipe& recipe) {
  constexpr std::int64_t kMostRows = 8192;
  const config::ModelConfig& c = recipe.model.config;
  return {std::min(recipe.data.rows * recipe.data.window, kMostRows), c.hidden_size, c.ffn_hidden_size};
}

// Measured for a new run, as it was for an old one.
void settle_arithmetic(const recipe::Recipe& recipe, Setting& s, RunObserver& observer) {
  at::set_num_threads(choose_arithmetic(recipe, {}).threads);
  s.speed = measure_speed(product_shape(recipe), s.device);
  s.arithmetic = s.saved ? s.saved->arithmetic : choose_arithmetic(recipe, s.speed);
  if (s.arithmetic.kernels != kernels_here()) {
    observer.say(fmt::format(
        "warning: the run was started with the kernels of libtorch {}, here they are {}: it goes on, "
        "but not bit for bit as it would have there",
        s.arithmetic.kernels, kernels_here()));
  }
  apply_arithmetic(s.arithmetic);
  observer.say(fmt::format(
      "products: f32 {:.1f} GFLOP/s, bf16 {:.1f} GFLOP/s here; this run computes in {} with {} threads",
      s.speed.f32 / 1e9, s.speed.bf16 / 1e9, name_of(s.arithmetic.products), s.arithmetic.threads));
}

Setting settle(const TrainingRequest& request, const RunFolder& folder, RunObserver& observer,
               const std::stop_token& stop) {
  const recipe::Recipe& recipe = request.recipe;
  const torch::Device device = open_device(recipe.device);
  std::optional<State> saved = last_state(folder);
  if (saved) check_same_run(recipe, *saved);
  const DataRequest data{recipe, request.conversations, folder, saved.has_value()};
  Setting s{open_data(data, observer, stop), std::move(saved), device};
  if (s.saved) check_same_corpus(s.data.fingerprint, *s.saved);
  observer.say(fmt::format("corpus: {} documents, {} tokens to learn from", s.data.train.documents(),
                           s.data.train.tokens()));
  settle_arithmetic(recipe, s, observer);
  return s;
}

class Run {
 public:
  Run(const TrainingRequest& request, const RunFolder& folder, Setting& setting, RunObserver& observer,
      const std::stop_token& stop)
      : recipe_(request.recipe),
        folder_(folder),
        setting_(setting),
        observer_(observer),
        stop_(stop),
        trainer_(recipe_, setting.arithmetic, setting.device, folder.path(), mesh_),
        loader_(setting.data.train, {recipe_.data.window, recipe_.data.rows, recipe_.seed}),
        metrics_({folder.metrics(), folder.events()}, setting.saved ? setting.saved->step : 0),
        reports_({recipe_.schedule.steps, flops_per_token(recipe_),
                  setting.speed.of(setting.arithmetic.products)}) {
    start(request);
  }

  Outcome go() {
    const std::int64_t steps = recipe_.schedule.steps;
    const recipe::Reporting& every = recipe_.reporting;
    while (done_ < steps) {
      if (stop_.stop_requested()) return interrupted();
      Gradients gradients = trainer_.compute(loader_.batch(done_));
      trainer_.reduce(gradients);
      reports_.add(done_ + 1, trainer_.apply(done_, gradients));
      ++done_;
      observer_.advanced(reports_.report());
      if (done_ % every.log_every == 0 || done_ == steps) report();
      if (done_ % every.evaluate_every == 0 || done_ == steps) evaluate_heldout();
      if (done_ % every.save_every == 0 || done_ == steps) save();
    }
    write_final(recipe_, trainer_, folder_);
    return Outcome::finished;
  }

 private:
  void start(const TrainingRequest& request) {
    if (setting_.saved) {
      done_ = saved_ = setting_.saved->step;
      trainer_.load(folder_, done_);
      observer_.say(fmt::format("going on from the snapshot of step {}", done_));
    } else if (request.initial_checkpoint.empty()) {
      if (request.mode == RunFolder::Mode::resume)
        observer_.say("nothing was saved here yet: the run begins anew, with random weights");
      trainer_.fill_tables();
    } else {
      load_checkpoint(request.initial_checkpoint, trainer_);
    }
    reports_.clear();
  }

  void report() {
    const StepReport report = reports_.report();
    metrics_.add(report);
    observer_.reported(report);
    reports_.clear();
  }

  void evaluate_heldout() {
    if (setting_.data.heldout.empty()) return;
    reports_.pause();
    EvaluationReport report = evaluate(setting_.data.heldout, recipe_.data.window, recipe_.data.rows,
                                       [&](const corpus::Batch& batch) { return trainer_.score(batch); });
    report.step = done_;
    metrics_.add(report);
    observer_.evaluated(report);
    reports_.resume();
  }

  void save() {
    if (saved_ == done_) return;
    reports_.pause();
    trainer_.save(folder_, {done_, setting_.arithmetic, recipe::to_json(recipe_), setting_.data.fingerprint});
    saved_ = done_;
    observer_.saved(done_);
    reports_.resume();
  }

  Outcome interrupted() {
    save();
    return Outcome::interrupted;
  }

  const recipe::Recipe& recipe_;
  const RunFolder& folder_;
  Setting& setting_;
  RunObserver& observer_;
  const std::stop_token& stop_;
  OneProcess mesh_;
  Trainer trainer_;
  corpus::Loader loader_;
  Metrics metrics_;
  Reports reports_;
  std::int64_t done_ = 0;    // steps
  std::int64_t saved_ = -1;  // the step of the last snapshot
};

}  // namespace

Outcome train(const TrainingRequest& request, RunObserver& observer, const std::stop_token& stop) {
  const RunFolder folder(request.folder, request.mode);
  if (folder.is_finished()) {
    if (const auto saved = last_state(folder)) check_same_run(request.recipe, *saved);
    return Outcome::already_finished;
  }
  const auto& initial = request.initial_checkpoint;
  if (!initial.empty() && !std::filesystem::exists(initial / "config.json")) {
    fail(ErrorKind::not_found, "--init {}: there is no config.json, so this is no checkpoint",
         initial.string());
  }
  say_plan(request.recipe, observer);
  Setting setting = settle(request, folder, observer, stop);
  write_file(folder.recipe(), to_text(recipe::to_json(request.recipe), 2) + "\n");
  return Run(request, folder, setting, observer, stop).go();
}

}  // namespace nestor::train
