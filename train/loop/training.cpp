#include "train/loop/training.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "recipe/recipe_json.h"
#include "train/loop/finish.h"
#include "train/loop/plan.h"
#include "train/loop/resume.h"
#include "train/loop/run_data.h"
#include "train/loop/run_page.h"
#include "train/loop/start.h"
#include "train/loop/trainer.h"

namespace nestor::train {
namespace {

// The resolved run, and whether it fits; nothing of size is allocated before. A run that goes on has its
// recipe in its folder.
void say_plan(const TrainingRequest& request, RunObserver& observer) {
  const recipe::Recipe& recipe = request.recipe;
  if (request.mode == RunFolder::Mode::fresh) observer.say(to_text(recipe::to_json(recipe), 2));
  observer.say(parameter_table(recipe));
  const MemoryPlan plan = memory_plan(recipe);
  const std::uint64_t available = system_memory().available;
  observer.say(memory_table(plan, available));
  check_memory(recipe, plan, available);
}

// What has to be known before the model is made.
struct Setting {
  RunData data;
  RunRecord record;
  std::vector<Saved> saved;  // to go on from
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

// Somebody measured it before, for many runs.
Speed known_speed(const TrainingRequest& request) {
  if (request.recipe.products == recipe::Choice::measured) {
    fail(ErrorKind::usage,
         "a known speed is that of products in f32 or in bf16, and the recipe leaves the choice; give "
         "products=f32 or products=bf16");
  }
  return {request.known_speed, request.known_speed};
}

// Measured for a new run, as it was for an old one.
void settle_arithmetic(const TrainingRequest& request, Setting& s, RunObserver& observer) {
  const recipe::Recipe& recipe = request.recipe;
  constexpr int kToChoose = 40, kToCompare = 10;
  const bool chooses = s.saved.empty() && recipe.products == recipe::Choice::measured;
  at::set_num_threads(choose_arithmetic(recipe, {}).threads);
  s.speed = request.known_speed > 0
                ? known_speed(request)
                : measure_speed(product_shape(recipe), s.device, chooses ? kToChoose : kToCompare);
  s.arithmetic = s.saved.empty() ? choose_arithmetic(recipe, s.speed) : s.saved.front().state.arithmetic;
  if (s.arithmetic.kernels != kernels_here()) {
    observer.say(fmt::format(
        "warning: the run was started with the kernels of libtorch {}, here they are {}: it goes on, "
        "but not bit for bit as it would have there",
        s.arithmetic.kernels, kernels_here()));
  }
  apply_arithmetic(s.arithmetic);
  observer.say(fmt::format(
      "products: f32 {:.1f} GFLOP/s, bf16 {:.1f} GFLOP/s here{}; this run computes in {} with {} threads",
      s.speed.f32 / 1e9, s.speed.bf16 / 1e9,
      s.speed.clock == Speed::Clock::disturbed ? " (beside a busy program: no measure of a peak)" : "",
      name_of(s.arithmetic.products), s.arithmetic.threads));
}

// Writes down what was asked as soon as it is known to make sense, and reads the data only then.
Setting settle(const TrainingRequest& request, const RunFolder& folder, RunRecord record,
               std::vector<Saved> saved, RunObserver& observer, const std::stop_token& stop) {
  const recipe::Recipe& recipe = request.recipe;
  const torch::Device device = open_device(recipe.device);
  record.recipe = recipe::to_json(recipe);
  write_record(folder.path(), record);
  write_file(folder.recipe(), to_text(record.recipe, 2) + "\n");
  const DataRequest data{recipe, request.conversations, folder, !saved.empty()};
  Setting s{open_data(data, observer, stop), std::move(record), std::move(saved), device};
  if (!s.saved.empty()) check_same_corpus(s.data.fingerprint, s.saved.front().state, observer);
  observer.say(fmt::format("corpus: {} documents, {} tokens to learn from", s.data.train.documents(),
                           s.data.train.tokens()));
  settle_arithmetic(request, s, observer);
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
        started_(start(
            folder, setting.saved, setting.record.origin, [&] { return make_trainer(); }, observer)),
        trainer_(*started_.trainer),
        loader_(setting.data.train, {recipe_.data.window, recipe_.data.rows, recipe_.seed}),
        metrics_({folder.metrics(), folder.events()}, started_.step),
        page_(folder),
        reports_({recipe_.schedule.steps, flops_per_token(recipe_),
                  setting.speed.clock == Speed::Clock::trusted ? setting.speed.of(setting.arithmetic.products)
                                                               : 0}) {
    done_ = started_.step;
    evaluation_due_ = started_.evaluation_due;
    if (!setting.saved.empty()) saved_ = done_;
    reports_.clear();
  }

  Outcome go() {
    const std::int64_t steps = recipe_.schedule.steps;
    const recipe::Reporting& every = recipe_.reporting;
    while (true) {
      if (evaluation_due_) evaluate_heldout();
      if (done_ > 0 && (done_ % every.save_every == 0 || done_ == steps)) save();
      if (stop_.stop_requested()) return interrupted();
      if (done_ == steps) break;
      take_step();
      if (done_ % every.log_every == 0 || done_ == steps) report();
      evaluation_due_ = done_ % every.evaluate_every == 0 || done_ == steps;
    }
    finish();
    return Outcome::finished;
  }

 private:
  void take_step() {
    Gradients gradients = trainer_.compute(loader_.batch(done_));
    trainer_.reduce(gradients);
    if (const auto objection = Trainer::objection(gradients))
      fail(ErrorKind::internal, "step {}: {}; {}", done_ + 1, *objection, way_on());
    reports_.add(done_ + 1, trainer_.apply(done_, gradients));
    ++done_;
    observer_.advanced(reports_.report());
  }

  // A command that does better than the one that ended.
  std::string way_on() const {
    const std::string folder = folder_.path().string();
    const Origin& origin = setting_.record.origin;
    std::string from = saved_ > 0 ? " --init " + folder : origin.path.empty() ? "" : " --init " + origin.path;
    return fmt::format(
        "nothing was changed by it. {}: nestor train {} --out {}-lower{} --set dense.learning_rate={} --set "
        "dense.muon_learning_rate={}. If that does not help, look for what is wrong with the data",
        saved_ > 0 ? fmt::format("Lower learning rates may go on from the snapshot of step {}", saved_)
                   : "There is no snapshot yet; lower learning rates may do better from the beginning",
        folder_.recipe().string(), folder, from, recipe_.dense.learning_rate / 2,
        recipe_.dense.muon_learning_rate / 2);
  }

  std::unique_ptr<Trainer> make_trainer() {
    return std::make_unique<Trainer>(recipe_, setting_.arithmetic, setting_.device, folder_.path(), mesh_);
  }

  void report() {
    StepReport report = reports_.report();
    report.resident_bytes = 1024 * value_of("/proc/self/status", "VmRSS:");
    metrics_.add(report);
    observer_.reported(report);
    page_.refresh();
    reports_.clear();
  }

  // One that is interrupted stays due.
  void evaluate_heldout() {
    reports_.pause();
    std::optional<EvaluationReport> report = evaluate(
        setting_.data.heldout, recipe_.data.window, recipe_.data.rows,
        [&](const corpus::Batch& batch) { return trainer_.score(batch); }, stop_);
    reports_.resume();
    if (!report) return;
    evaluation_due_ = false;
    if (setting_.data.heldout.empty()) return;
    report->step = done_;
    report->norms = trainer_.branch_norms(loader_.batch(done_));
    metrics_.add(*report);
    observer_.evaluated(*report);
  }

  void save() {
    if (saved_ == done_) return;
    reports_.pause();
    State state;
    state.step = done_;
    state.evaluation_due = evaluation_due_;
    state.arithmetic = setting_.arithmetic;
    state.recipe = setting_.record.recipe;
    state.corpus = setting_.data.fingerprint;
    trainer_.save(folder_, state);
    saved_ = done_;
    if (!std::exchange(setting_.record.saved, true)) write_record(folder_.path(), setting_.record);
    observer_.saved(done_);
    reports_.resume();
  }

  void finish() {
    RunRecord& record = setting_.record;
    if (const std::int64_t before = finished_steps(folder_, record)) {
      std::filesystem::rename(folder_.final(), earlier_final(folder_, before));
      record.finished = 0;  // else what is written next would be taken for the earlier one after a kill
      write_record(folder_.path(), record);
    }
    page_.write();
    write_checkpoint(recipe_, trainer_, folder_.final());
    record.finished = done_;
    write_record(folder_.path(), record);
  }

  Outcome interrupted() {
    save();
    page_.write();
    return Outcome::interrupted;
  }

  const recipe::Recipe& recipe_;
  const RunFolder& folder_;
  Setting& setting_;
  RunObserver& observer_;
  const std::stop_token& stop_;
  OneProcess mesh_;
  Started started_;
  Trainer& trainer_;
  corpus::Loader loader_;
  Metrics metrics_;
  RunPage page_;
  Reports reports_;
  std::int64_t done_ = 0;    // steps
  std::int64_t saved_ = -1;  // the step of the last snapshot
  bool evaluation_due_ = false;
};

}  // namespace

Outcome train(const TrainingRequest& request, RunObserver& observer, const std::stop_token& stop) {
  const recipe::Recipe& recipe = request.recipe;
  const RunFolder folder(request.folder, request.mode);
  RunRecord record = settle_record(request, folder);
  if (record.origin.kind == Origin::Kind::unknown && !request.initial.empty())
    observer.say(
        "note: what this run began from was not recorded; it goes on from its snapshot, not from --init");
  const std::int64_t finished = record.finished = finished_steps(folder, record);
  std::vector<Saved> saved = saved_states(folder, record, observer);
  if (!saved.empty()) check_same_run(recipe, saved.front().state.recipe, saved.front().state.step, folder);
  if (finished > 0) {
    if (saved.empty()) check_same_run(recipe, record.recipe, finished, folder);
    if (recipe.schedule.steps == finished) return Outcome::already_finished;
    if (saved.empty()) fail_without_snapshot(folder, "the snapshots of this run are gone");
    earlier_final(folder, finished);  // is found now and not after training
  }
  say_plan(request, observer);
  Setting setting = settle(request, folder, std::move(record), std::move(saved), observer, stop);
  return Run(request, folder, setting, observer, stop).go();
}

void export_snapshot(const std::filesystem::path& run_or_snapshot, const std::filesystem::path& target,
                     RunObserver& observer) {
  const Origin origin = find_origin(run_or_snapshot, TrainingRequest::Taken::weights);
  if (origin.kind != Origin::Kind::snapshot)
    fail(ErrorKind::usage, "{}: is a checkpoint already, not a run", run_or_snapshot.string());
  const State state = read_state(origin.path);
  const recipe::Recipe recipe =
      recipe::parse_recipe(state.recipe, (std::filesystem::path(origin.path) / kStateFile).string());
  check_memory(recipe, memory_plan(recipe), system_memory().available);
  observer.say(fmt::format("writing the weights of {} after step {}", origin.path, state.step));
  OneProcess mesh;
  Trainer trainer(recipe, state.arithmetic, torch::kCPU, std::filesystem::absolute(target).parent_path(),
                  mesh);
  trainer.load(origin.path, state);
  write_checkpoint(recipe, trainer, target);
}

}  // namespace nestor::train
