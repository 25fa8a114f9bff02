#include "study/results.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nestor::study {
namespace {

// The training loss around a step: the mean of the three reports before it, which even out single batches.
double loss_at(const JobResult& r, double step) {
  constexpr std::ptrdiff_t kReports = 3;
  const auto after = std::ranges::find_if(r.losses, [&](const auto& l) { return l.step > step; });
  const std::ptrdiff_t count = std::min(kReports, after - r.losses.begin());
  if (count == 0) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0;
  for (auto at = after - count; at != after; ++at) sum += at->loss;
  return sum / static_cast<double>(count);
}

}  // namespace

double heldout(const JobResult& r) { return r.final_heldout(); }

double cloze(const JobResult& r) {
  return r.questions == 0 ? 0 : static_cast<double>(r.right) / static_cast<double>(r.questions);
}

void Results::add(JobResult result) {
  std::vector<JobResult>& runs = runs_[result.name];
  const auto place = std::ranges::lower_bound(runs, result.seed, {}, &JobResult::seed);
  runs.insert(place, std::move(result));
}

const std::vector<JobResult>& Results::of(const std::string& name) const {
  static const std::vector<JobResult> none;
  const auto found = runs_.find(name);
  return found == runs_.end() ? none : found->second;
}

Samples Results::values(const std::string& name, const Value& value) const {
  Samples samples;
  for (const JobResult& r : of(name)) samples.values.push_back(value(r));
  return samples;
}

Samples Results::differences(const std::string& a, const std::string& b, const Value& value) const {
  Samples samples;
  for (const JobResult& first : of(a)) {
    for (const JobResult& second : of(b)) {
      if (first.seed == second.seed) samples.values.push_back(value(first) - value(second));
    }
  }
  return samples;
}

double Results::seconds_per_step(const std::string& name) const {
  std::vector<double> seconds = values(name, [](const JobResult& r) { return r.seconds_per_step; }).values;
  if (seconds.empty()) return 0;
  std::ranges::sort(seconds);
  return seconds[seconds.size() / 2];
}

Samples Results::gain_at_equal_time(const std::string& a, const std::string& b) const {
  const double of_a = seconds_per_step(a), of_b = seconds_per_step(b);
  Samples samples;
  if (!(of_a > 0) || !(of_b > 0)) return samples;
  const double time = std::min(of_a, of_b) * of(a).front().stable_steps;
  for (const JobResult& first : of(a)) {
    for (const JobResult& second : of(b)) {
      if (first.seed != second.seed) continue;
      const double gain = loss_at(first, time / of_a) - loss_at(second, time / of_b);
      if (std::isfinite(gain)) samples.values.push_back(gain);
    }
  }
  return samples;
}

}  // namespace nestor::study
