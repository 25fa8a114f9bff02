#include "study/read_metrics.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/file.h"
#include "config/footprint.h"
#include "report/runs.h"

namespace nestor::study {
namespace {

constexpr std::size_t kMostPoints = 100;

// Means of neighbours, so that a result stays small.
std::vector<JobResult::Loss> thinned(const std::vector<JobResult::Loss>& all) {
  const std::size_t group = std::max<std::size_t>(1, (all.size() + kMostPoints - 1) / kMostPoints);
  std::vector<JobResult::Loss> few;
  for (std::size_t first = 0; first < all.size(); first += group) {
    const std::size_t end = std::min(all.size(), first + group);
    double sum = 0;
    for (std::size_t i = first; i < end; ++i) sum += all[i].loss;
    few.push_back({all[end - 1].step, sum / static_cast<double>(end - first)});
  }
  return few;
}

double middle(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void read_heldout(const Json& line, JobResult& r) {
  r.heldout.push_back({line.at("step").get<double>(), line.at("heldout_nll_per_token").get<double>()});
  r.bits_per_byte = line.value("heldout_bits_per_byte", 0.0);
  if (!line.contains("norms")) return;
  r.norms.clear();
  for (const Json& norm : line["norms"])
    r.norms.push_back({norm.at("name").get<std::string>(), norm.at("branch").get<double>(),
                       norm.at("stream").get<double>()});
}

}  // namespace

JobResult read_run_result(const Job& job, const std::filesystem::path& run) {
  const recipe::Recipe recipe = typed(job.recipe, job.name);
  const config::Footprint footprint = config::footprint_of(recipe.model.config);
  JobResult r;
  r.name = job.name;
  r.seed = job.seed;
  r.total = footprint.total;
  r.activated = footprint.activated_max;
  r.ngram = footprint.ngram + footprint.per_layer;
  r.steps = recipe.schedule.steps;
  r.tokens_per_step = recipe.data.rows * recipe.data.window;
  r.stable_steps = std::floor(recipe.schedule.decay_from * static_cast<double>(r.steps));
  std::vector<double> seconds;
  const report::RunLines lines = report::read_run(run);
  try {
    for (const Json& line : lines.lines) {
      if (line.contains("loss")) {
        r.losses.push_back({line.at("step").get<double>(), line.at("loss").get<double>()});
        r.load = line.at("expert_load").get<double>();
        seconds.push_back(static_cast<double>(r.tokens_per_step) /
                          line.at("tokens_per_second").get<double>());
      }
      if (line.contains("heldout_nll_per_token")) read_heldout(line, r);
    }
  } catch (const Json::exception& error) {
    fail(ErrorKind::bad_input, "{}: has lines of metrics that are none: {}", run.string(), error.what());
  }
  if (r.heldout.empty())
    fail(ErrorKind::bad_input, "{}: this run was not evaluated on held-out text", run.string());
  r.losses = thinned(r.losses);
  r.seconds_per_step = middle(std::move(seconds));
  return r;
}

void read_cloze(const std::filesystem::path& printed, JobResult& result) {
  const Json json = read_json(printed, kMostFileBytes);
  try {
    result.questions = json.at("questions").get<std::int64_t>();
    result.right = std::llround(json.at("acc_norm").get<double>() * static_cast<double>(result.questions));
  } catch (const Json::exception& error) {
    fail(ErrorKind::bad_input, "{}: is not what nestor eval prints: {}", printed.string(), error.what());
  }
}

}  // namespace nestor::study
