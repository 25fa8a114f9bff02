// One finding of the paper, and what a study says of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "report/document.h"
#include "study/collision_sweep.h"
#include "study/results.h"
#include "study/serving.h"

namespace nestor::study {

/// A sentence that can be true or not, with its values.
struct Claim {
  std::string text;
  Samples samples;
  double threshold = 0;  // 0: reported, never judged
  std::string unit;

  Verdict verdict() const { return threshold > 0 ? judge(samples, threshold) : Verdict::not_shown; }
};

struct Finding {
  std::string id;             // fig2, ..., as docs/study.md lists them
  std::string title;          // what the paper says
  std::vector<Claim> claims;  // the verdict is about the first `main`
  std::size_t main = 1;
  std::string because;                     // why it cannot be shown, where it cannot
  std::vector<report::Block> blocks = {};  // plots and tables
  Json more = Json::object();              // further keys of results.json

  /// Shown if all main claims are, contradicted if one is.
  Verdict verdict() const;
  std::string reason() const;
};

/// What findings are made of.
struct Evidence {
  Results results;
  std::vector<CollisionSweep> collisions;  // one for each draw of text
  std::vector<ServingResult> serving;
};

/// All findings in the order of the paper, those without evidence, too.
std::vector<Finding> findings_of(const Evidence& evidence);

/// {id, verdict, value, sd, seeds, threshold, reason, claims, ...}; value and sd are null without seeds.
Json to_json(const Finding& finding);

// The groups, each in a file of its own.
Finding ratio_finding(const Results& results);                                                // fig2
Finding amplification_finding(const Results& results);                                        // amplification
Finding norms_finding(const Results& results);                                                // fig5
Finding per_layer_finding(const Results& results);                                            // fig9
Finding hit_rate_finding(const std::vector<CollisionSweep>& draws);                           // fig3a
Finding collision_finding(const Results& results, const std::vector<CollisionSweep>& draws);  // fig3b
std::vector<Finding> shape_findings(const Results& results);                       // fig4, 6, 7a, 7b
std::vector<Finding> serving_findings(const std::vector<ServingResult>& serving);  // fig8a, fig8b

/// Runs whose names are `prefix` and a number, by that number: "ne-r3", "ne-r12".
std::vector<std::pair<double, std::string>> numbered(const Results& results, const std::string& prefix);

/// Tables against experts: equal tokens, equal seconds, bits, the cloze task, parameters, load and time.
report::Table comparison(const Results& results,
                         const std::vector<std::pair<std::string, std::string>>& pairs);
Json comparison_json(const Results& results, const std::string& experts, const std::string& tables);

/// The mean over seeds with its standard deviation.
report::Point point(double x, const Samples& samples);

}  // namespace nestor::study
