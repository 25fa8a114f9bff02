// What is counted without training: collisions, hit rates, experts touched by a batch.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "report/scale.h"
#include "study/finding.h"

namespace nestor::study {
namespace {

using report::Plot;
using report::Scale;

bool is_whole(double ratio) { return ratio == std::round(ratio); }

double distance_to_whole(double ratio) { return std::abs(ratio - std::round(ratio)); }

// Far from whole numbers and from quarters, thirds and halves.
bool is_far(double ratio) {
  for (const double place : {0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9}) {
    if (std::abs(ratio - std::floor(ratio) - place) < 1e-9) return true;
  }
  return false;
}

double median_far(const CollisionSweep& sweep) {
  std::vector<double> far;
  for (const auto& count : sweep.counts) {
    if (is_far(count.ratio)) far.push_back(static_cast<double>(count.collisions));
  }
  if (far.empty()) return 0;
  std::ranges::sort(far);
  return far[far.size() / 2];
}

// The least of the whole ratios, over what lies between.
double spike(const CollisionSweep& sweep) {
  double least = 0;
  for (const auto& count : sweep.counts) {
    const auto collisions = static_cast<double>(count.collisions);
    if (is_whole(count.ratio)) least = least == 0 ? collisions : std::min(least, collisions);
  }
  const double far = median_far(sweep);
  return far > 0 ? least / far : 0;
}

// The mean over draws of each series' values, by x.
report::Series mean_of(const std::string& name, const std::map<double, Samples>& by_x) {
  report::Series series{name, {}};
  for (const auto& [x, samples] : by_x) series.points.push_back(point(x, samples));
  return series;
}

}  // namespace

Finding hit_rate_finding(const std::vector<CollisionSweep>& draws) {
  Finding f{"fig3a", "Rows of 2-grams fill slowly, those of 3- to 5-grams fast (Fig. 3a)", {}, 1, ""};
  constexpr double kFull = 0.9;  // of the rows: then all orders come near 1, and steps say nothing
  Samples least;                 // the smallest step from one order to the next
  std::map<std::size_t, std::map<double, Samples>> rates;
  for (const CollisionSweep& sweep : draws) {
    std::optional<double> step;
    for (const auto& hit : sweep.hit_rates) {
      for (std::size_t i = 0; i < hit.rates.size(); ++i) {
        rates[i][static_cast<double>(hit.tokens)].values.push_back(hit.rates[i]);
        if (i > 0 && hit.rates.back() < kFull)
          step = std::min(step.value_or(1), hit.rates[i] - hit.rates[i - 1]);
      }
    }
    if (step) least.values.push_back(*step);
  }
  f.claims.push_back(
      {"The hit rate grows with the order until nine tenths of the rows are touched (the smallest step)",
       least, 0.005, "of all rows"});
  if (draws.empty()) return f;
  Plot plot{"fig3a",
            "Share of rows touched, tables of 30.37 V rows",
            "Longer n-grams touch more rows of equal tables.",
            {"tokens", Scale::log},
            {"rows touched"},
            {}};
  for (const auto& [i, by_tokens] : rates)
    plot.series.push_back(mean_of(fmt::format("{}-grams", i + 2), by_tokens));
  f.blocks.emplace_back(std::move(plot));
  return f;
}

Finding collision_finding(const Results& results, const std::vector<CollisionSweep>& draws) {
  Finding f{"fig3b",
            "2-grams collide far more often where rows are a whole multiple of the vocabulary (Fig. 3b)",
            {},
            1,
            ""};
  Samples spikes;
  std::map<double, Samples> counts;
  for (const CollisionSweep& sweep : draws) {
    spikes.values.push_back(spike(sweep));
    for (const auto& count : sweep.counts)
      counts[count.ratio].values.push_back(static_cast<double>(count.collisions));
  }
  f.claims.push_back(
      {"Collisions at 30, 31, 32 and 33 V rows, each over the median between", spikes, 2, "times"});
  f.claims.push_back({"Rows of 11.00 V instead of 11.37 V cost loss",
                      results.differences("ne-r12-rows11.00", "ne-r12-rows11.37", heldout), 0.05, "nats"});
  if (draws.empty()) return f;
  Plot plot{"fig3b",
            "Collisions of 2-grams in 25,600 tokens",
            "Peaks stand at whole ratios, smaller ones at halves, thirds and quarters.",
            {"rows over the vocabulary"},
            {"2-grams beyond the first of a row"},
            {mean_of("2-grams", counts)}};
  for (const auto& [ratio, samples] : counts) {
    if (is_whole(ratio)) plot.marks.push_back({ratio, samples.mean(), fmt::format("{:.0f} V", ratio)});
  }
  f.blocks.emplace_back(std::move(plot));
  f.blocks.emplace_back(
      report::Paragraph{fmt::format("At a distance of 0.02 from a whole number there is no peak left. Tables "
                                    "of a model should be chosen at least that far "
                                    "away, and away from small fractions; largest distance counted here: {}.",
                                    report::number_text(distance_to_whole(30.5)))});
  return f;
}

std::vector<Finding> serving_findings(const std::vector<ServingResult>& serving) {
  Finding touched{
      "fig8a", "A batch touches fewer experts with tables than its twin without (Fig. 8a)", {}, 1, ""};
  Finding speed{"fig8b",
                "Throughput against speed per user (Fig. 8b, on 8 GPUs)",
                {},
                1,
                "the paper's figure is of eight GPUs with speculation; the curve is of this machine, one "
                "thread, random weights, without speculation"};
  std::map<std::string, std::map<double, Samples>> experts, throughput;
  for (const ServingResult& r : serving) {
    for (const auto& step : r.steps) {
      experts[r.name][static_cast<double>(step.sequences)].values.push_back(step.touched);
      throughput[r.name][static_cast<double>(step.sequences)].values.push_back(step.tokens_per_second);
    }
  }
  Samples ratio;
  for (const ServingResult& with : serving) {
    for (const ServingResult& twin : serving) {
      const bool pair = with.name == "ne-r12" && twin.name == "moe-r12" && with.seed == twin.seed;
      if (pair && !with.steps.empty() && !twin.steps.empty())
        ratio.values.push_back(1 - with.steps.back().touched / twin.steps.back().touched);
    }
  }
  touched.claims.push_back({"At the largest batch tables spare experts", ratio, 0.2, "of those of the twin"});
  if (experts.empty()) return {touched, speed};
  Plot plot{"fig8a",
            "Experts touched by a step, counted by nestor bench",
            "Both rise with the batch; the twin without tables rises further.",
            {"sequences at once", Scale::log},
            {"experts of a layer"},
            {}};
  Plot users{"fig8b",
             "Tokens a second of all users against those of one",
             "Each point is a batch; more users get more in all and less each.",
             {"tokens a second for each user"},
             {"tokens a second in all"},
             {}};
  for (const auto& [name, by_batch] : experts)
    plot.series.push_back(mean_of(name == "ne-r12" ? "with tables" : "experts alone", by_batch));
  for (const auto& [name, by_batch] : throughput) {
    report::Series series{name == "ne-r12" ? "with tables" : "experts alone", {}};
    for (const auto& [batch, samples] : by_batch)
      series.points.push_back({samples.mean() / batch, samples.mean(), samples.sd()});
    std::ranges::sort(series.points, {}, &report::Point::x);
    users.series.push_back(std::move(series));
  }
  touched.blocks.emplace_back(std::move(plot));
  speed.blocks.emplace_back(std::move(users));
  return {touched, speed};
}

}  // namespace nestor::study
