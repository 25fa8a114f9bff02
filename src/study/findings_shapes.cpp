// Findings about shapes, which need more tokens for each activated parameter than a processor trains in
// hours.
#include <fmt/format.h>

#include "study/finding.h"

namespace nestor::study {
namespace {

using report::Plot;

constexpr const char* kTooShort =
    "the differences need some 400 tokens for every activated parameter, at every shape; curves are reported "
    "where there are runs";

// Gains of tables over their twins, by a number in the names of the runs.
Finding gains_by(const Results& results, const std::string& id, const std::string& title,
                 const std::string& word) {
  Finding f{id, title, {}, 1, kTooShort};
  Plot plot{id,
            "Gain of tables over experts by " + word,
            "Held-out loss of the twin less that with tables, equal tokens.",
            {word},
            {"nats"},
            {{"ratio 12", {}}}};
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [number, name] : numbered(results, "ne-r12-" + word)) {
    const std::string twin = "moe" + name.substr(2);
    if (!results.has(twin)) continue;
    const Samples gain = results.differences(twin, name, heldout);
    plot.series[0].points.push_back(point(number, gain));
    f.claims.push_back({fmt::format("Gain at {} {:.0f} (reported)", word, number), gain, 0, "nats"});
    pairs.emplace_back(twin, name);
  }
  if (pairs.empty()) return f;
  f.blocks.emplace_back(std::move(plot));
  f.blocks.emplace_back(comparison(results, pairs));
  return f;
}

Finding order_finding(const Results& results) {
  Finding f{"fig4",
            "N = 2 with K = 1 is clearly worst; N from 3 and K from 2 are alike (Fig. 4)",
            {},
            1,
            kTooShort};
  Plot plot{"fig4",
            "Held-out loss by N and K",
            "Equal parameters, ratio 12.",
            {"N and K", report::Scale::linear, {}},
            {"nats per token"},
            {{"ratio 12", {}}}};
  for (int n = 2; n <= 7; ++n) {
    for (int k = 1; k <= 4; ++k) {
      const std::string name = fmt::format("ne-r12-n{}k{}", n, k);
      if (!results.has(name)) continue;
      plot.series[0].points.push_back(
          point(static_cast<double>(plot.x.categories.size()), results.values(name, heldout)));
      plot.x.categories.push_back(fmt::format("{}, {}", n, k));
      f.claims.push_back(
          {fmt::format("Loss at N = {}, K = {} (reported)", n, k), results.values(name, heldout), 0, "nats"});
    }
  }
  if (!plot.x.categories.empty()) f.blocks.emplace_back(std::move(plot));
  return f;
}

}  // namespace

std::vector<Finding> shape_findings(const Results& results) {
  return {
      order_finding(results),
      gains_by(results, "fig6", "In wider models tables stay ahead up to larger ratios (Fig. 6)", "width"),
      gains_by(results, "fig7a", "The gain of tables grows with the width (Fig. 7a)", "width"),
      gains_by(results, "fig7b", "The gain of tables shrinks with the depth (Fig. 7b)", "depth")};
}

}  // namespace nestor::study
