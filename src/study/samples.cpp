#include "study/samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "report/scale.h"

namespace nestor::study {

double Samples::mean() const {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double Samples::sd() const {
  if (values.size() < 2) return 0;
  double squares = 0;
  for (const double value : values) squares += (value - mean()) * (value - mean());
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

double Samples::least() const { return values.empty() ? 0 : *std::ranges::min_element(values); }
double Samples::most() const { return values.empty() ? 0 : *std::ranges::max_element(values); }

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::shown:
      return "shown";
    case Verdict::contradicted:
      return "contradicted";
    case Verdict::not_shown:
      break;
  }
  return "not shown at this scale";
}

Verdict judge(const Samples& samples, double threshold) {
  if (samples.values.size() < kSeedsForAVerdict) return Verdict::not_shown;
  // Comparisons with what is no number are false.
  const auto all = [&](const auto& holds) { return std::ranges::all_of(samples.values, holds); };
  if (all([&](double value) { return value >= threshold; })) return Verdict::shown;
  return all([&](double value) { return value <= -threshold; }) ? Verdict::contradicted : Verdict::not_shown;
}

std::string reason(const Samples& samples, double threshold, const std::string& unit) {
  using report::number_text;
  const std::size_t seeds = samples.values.size();
  if (seeds == 0) return "the runs for it are not there";
  std::string values = fmt::format("{} {} (sd {}, {} seed{}, from {} to {})", number_text(samples.mean()),
                                   unit, number_text(samples.sd()), seeds, seeds == 1 ? "" : "s",
                                   number_text(samples.least()), number_text(samples.most()));
  if (seeds < kSeedsForAVerdict) return values + fmt::format("; a verdict needs {} seeds", kSeedsForAVerdict);
  return values + fmt::format("; shown needs at least {} in every seed", report::tick_text(threshold));
}

}  // namespace nestor::study
