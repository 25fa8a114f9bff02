// Tables against experts: their number, amplification, norms, and tables in every layer.
#include <fmt/format.h>

#include <algorithm>

#include "report/crossing.h"
#include "report/scale.h"
#include "study/finding.h"

namespace nestor::study {
namespace {

using report::Plot;
using report::Scale;

constexpr const char* kNats = "nats";

report::Series curve(const Results& results, const std::string& name,
                     const std::vector<std::pair<double, std::string>>& runs) {
  report::Series series{name, {}};
  for (const auto& [x, run] : runs) series.points.push_back(point(x, results.values(run, heldout)));
  return series;
}

Plot loss_by_ratio(const Results& results) {
  Plot plot{"fig2",
            "Held-out loss by ratio of all to activated parameters",
            "",
            {"ratio", Scale::log},
            {"nats per token"},
            {}};
  plot.series = {curve(results, "experts alone", numbered(results, "moe-r")),
                 curve(results, "with tables", numbered(results, "ne-r"))};
  const auto met = report::crossings(plot.series[0], plot.series[1], Scale::log);
  for (const report::Point& p : met) plot.marks.push_back({p.x, p.y, "equal at " + report::number_text(p.x)});
  plot.summary = met.empty()
                     ? "The curves do not cross: at every ratio here the same one is lower."
                     : fmt::format("The curves cross at a ratio of {}.", report::number_text(met.front().x));
  return plot;
}

// Shares in percent; 0 is the twin with experts alone, 50 the run without a suffix.
std::vector<std::pair<double, std::string>> shares(const Results& results) {
  auto runs = numbered(results, "ne-r12-share");
  if (results.has("moe-r12")) runs.emplace_back(0, "moe-r12");
  if (results.has("ne-r12")) runs.emplace_back(50, "ne-r12");
  std::ranges::sort(runs);
  return runs;
}

// The run of an amplification; that of the layer norm is the default.
std::string amplified(const Results& results, const std::string& kind, const std::string& how) {
  const std::string name = kind + "-r12-" + how;
  return how == "layer" && !results.has(name) ? kind + "-r12" : name;
}

double tokens_for_activated(const Results& results, const std::string& name) {
  if (!results.has(name)) return 0;
  const JobResult& r = results.of(name).front();
  return static_cast<double>(r.steps * r.tokens_per_step) /
         static_cast<double>(std::max<std::int64_t>(1, r.activated));
}

double first_attention(const JobResult& r) {
  return r.norms.empty() ? 0 : r.norms.front().branch / r.norms.front().stream;
}

}  // namespace

Finding ratio_finding(const Results& results) {
  Finding f{"fig2",
            "Tables beat experts where many parameters are idle, and not where few are (Fig. 2, 300 billion "
            "tokens)",
            {},
            2,
            ""};
  f.claims.push_back({"Tables instead of experts lower the loss at ratio 12",
                      results.differences("moe-r12", "ne-r12", heldout), 0.2, kNats});
  Samples growth;
  const Samples at12 = results.differences("moe-r12", "ne-r12", heldout),
                at3 = results.differences("moe-r3", "ne-r3", heldout);
  for (std::size_t i = 0; i < std::min(at12.values.size(), at3.values.size()); ++i)
    growth.values.push_back(at12.values[i] - at3.values[i]);
  f.claims.push_back({"The gain is larger at ratio 12 than at ratio 3", growth, 0.05, kNats});
  // What experts need many tokens for.
  const bool long_enough = tokens_for_activated(results, "ne-r12") >= 270;
  const auto after_long = [&](const std::string& text, const Samples& samples, double threshold) {
    f.claims.push_back({text + (long_enough ? "" : " (too few tokens to judge)"), samples,
                        long_enough ? threshold : 0, kNats});
  };
  after_long("Experts alone are ahead at ratio 3", results.differences("ne-r3", "moe-r3", heldout), 0.02);
  after_long("The loss of experts alone falls from ratio 3 to 12",
             results.differences("moe-r3", "moe-r12", heldout), 0.05);
  for (const auto& [share, run] : numbered(results, "ne-r12-share")) {
    if (share > 50)
      after_long(fmt::format("A share of one half is better than {:.0f} %", share),
                 results.differences(run, "ne-r12", heldout), 0.01);
  }
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [ratio, name] : numbered(results, "ne-r")) {
    const std::string twin = "moe" + name.substr(2);
    if (results.has(twin)) pairs.emplace_back(twin, name);
  }
  if (pairs.empty()) return f;
  f.blocks.emplace_back(loss_by_ratio(results));
  f.blocks.emplace_back(comparison(results, pairs));
  if (const auto runs = shares(results); runs.size() > 2) {
    Plot plot{"fig2-share",
              "Held-out loss by the share of tables at ratio 12",
              "With few tokens more tables are always better; an optimum inside needs some 400 tokens for "
              "every activated parameter.",
              {"percent of all parameters"},
              {"nats per token"},
              {curve(results, "ratio 12", runs)}};
    f.blocks.emplace_back(std::move(plot));
  }
  f.more["comparison"] = comparison_json(results, "moe-r12", "ne-r12");
  return f;
}

Finding amplification_finding(const Results& results) {
  Finding f{"amplification",
            "Amplifying the embedding lowers the loss (by 0.02; by sqrt(D) or a layer norm)",
            {},
            2,
            ""};
  const auto gain = [&](const char* kind, const char* from, const char* to) {
    return results.differences(amplified(results, kind, from), amplified(results, kind, to), heldout);
  };
  f.claims.push_back({"A layer norm lowers the loss of tables", gain("ne", "none", "layer"), 0.3, kNats});
  f.claims.push_back({"sqrt(D) lowers the loss of tables", gain("ne", "none", "sqrt"), 0.3, kNats});
  f.claims.push_back({"A layer norm is better than sqrt(D)", gain("ne", "sqrt", "layer"), 0.05, kNats});
  Samples more;
  const Samples ne = gain("ne", "none", "layer"), moe = gain("moe", "none", "layer");
  for (std::size_t i = 0; i < std::min(ne.values.size(), moe.values.size()); ++i)
    more.values.push_back(ne.values[i] - moe.values[i]);
  f.claims.push_back({"It helps tables more than experts", more, 0.1, kNats});
  f.claims.push_back({"Without it tables lose to experts",
                      results.differences("ne-r12-none", "moe-r12-none", heldout), 0.05, kNats});
  Plot plot{"amplification",
            "Held-out loss by amplification",
            "With tables the loss falls from none over sqrt(D) to the layer norm.",
            {"amplification", Scale::linear, {"none", "sqrt(D)", "layer norm"}},
            {"nats per token"},
            {}};
  for (const auto& [kind, name] : {std::pair{"ne", "with tables"}, std::pair{"moe", "experts alone"}}) {
    report::Series series{name, {}};
    double x = 0;
    for (const char* how : {"none", "sqrt", "layer"}) {
      const std::string run = amplified(results, kind, how);
      if (results.has(run)) series.points.push_back(point(x, results.values(run, heldout)));
      ++x;
    }
    if (!series.points.empty()) plot.series.push_back(std::move(series));
  }
  if (!results.has("ne-r12-none")) return f;
  f.blocks.emplace_back(std::move(plot));
  f.blocks.emplace_back(
      comparison(results, {{"moe-r12-none", "ne-r12-none"}, {"moe-r12-sqrt", "ne-r12-sqrt"}}));
  return f;
}

Finding norms_finding(const Results& results) {
  Finding f{
      "fig5", "Without amplification the first attention is some 10 times the embedding (Fig. 5)", {}, 2, ""};
  f.claims.push_back({"The first attention is large beside the embedding without amplification",
                      results.values("ne-r12-none", first_attention), 3, "times"});
  Samples falls;
  const Samples none = results.values("ne-r12-none", first_attention);
  const Samples layer = results.values(amplified(results, "ne", "layer"), first_attention);
  for (std::size_t i = 0; i < std::min(none.values.size(), layer.values.size()); ++i)
    falls.values.push_back(none.values[i] / layer.values[i]);
  f.claims.push_back({"A layer norm makes that smaller", falls, 5, "times"});
  Plot plot{"fig5",
            "What each branch adds, over the stream that it is added to",
            "Above 1 a branch drowns what came before it.",
            {"branch"},
            {"ratio of mean L2 norms", Scale::log},
            {}};
  for (const auto& [how, name] :
       {std::pair{"none", "none"}, std::pair{"sqrt", "sqrt(D)"}, std::pair{"layer", "layer norm"}}) {
    const std::vector<JobResult>& runs = results.of(amplified(results, "ne", how));
    if (runs.empty() || runs.front().norms.empty()) continue;
    report::Series series{name, {}};
    plot.x.categories.clear();
    for (std::size_t branch = 0; branch < runs.front().norms.size(); ++branch) {
      plot.x.categories.push_back(runs.front().norms[branch].name);
      const Samples ratios = results.values(runs.front().name, [&](const JobResult& r) {
        return branch < r.norms.size() ? r.norms[branch].branch / r.norms[branch].stream : 0;
      });
      series.points.push_back(point(static_cast<double>(branch), ratios));
    }
    plot.series.push_back(std::move(series));
  }
  if (!plot.series.empty()) f.blocks.emplace_back(std::move(plot));
  return f;
}

Finding per_layer_finding(const Results& results) {
  Finding f{"fig9",
            "Embeddings in every layer (PLE) are worse than n-gram tables at the input; n-gram tables in "
            "every layer (PLNE) are a little better (Fig. 9)",
            {},
            1,
            ""};
  f.claims.push_back({"PLE is worse than tables at the input with as many parameters",
                      results.differences("ple", "ne-ple", heldout), 0.05, kNats});
  f.claims.push_back({"PLNE is better than tables at the input (reported)",
                      results.differences("ne-plne", "plne", heldout), 0, kNats});
  if (!results.has("ple")) return f;
  Plot plot{"fig9",
            "Held-out loss of tables in layers and at the input",
            "Pairs with as many parameters stand beside each other.",
            {"where", Scale::linear, {}},
            {"nats per token"},
            {{"two layers", {}}}};
  for (const auto& [run, name] : {std::pair{"ple", "PLE"}, std::pair{"ne-ple", "NE, same size"},
                                  std::pair{"plne", "PLNE"}, std::pair{"ne-plne", "NE, that size"}}) {
    if (!results.has(run)) continue;
    plot.series[0].points.push_back(
        point(static_cast<double>(plot.x.categories.size()), results.values(run, heldout)));
    plot.x.categories.emplace_back(name);
  }
  f.blocks.emplace_back(std::move(plot));
  f.blocks.emplace_back(comparison(results, {{"ple", "ne-ple"}, {"plne", "ne-plne"}}));
  f.more["comparison"] = comparison_json(results, "ple", "ne-ple");
  return f;
}

}  // namespace nestor::study
