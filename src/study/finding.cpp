#include "study/finding.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "report/scale.h"

namespace nestor::study {
namespace {

Json json_of(const Samples& samples) {
  const bool any = !samples.values.empty();
  return {{"value", any ? Json(samples.mean()) : Json()},
          {"sd", any ? Json(samples.sd()) : Json()},
          {"seeds", samples.values.size()}};
}

Json json_of(const Claim& claim) {
  Json json = {{"claim", claim.text}, {"verdict", name_of(claim.verdict())}};
  json.update(json_of(claim.samples));
  json["unit"] = claim.unit;
  json["threshold"] = claim.threshold > 0 ? Json(claim.threshold) : Json();
  return json;
}

std::string mean_text(const Samples& samples) {
  if (samples.values.empty()) return "-";
  const std::string mean = report::number_text(samples.mean());
  return samples.values.size() < 2 ? mean : mean + " ± " + report::number_text(samples.sd());
}

}  // namespace

Verdict Finding::verdict() const {
  if (!because.empty() || claims.empty()) return Verdict::not_shown;
  Verdict all = Verdict::shown;
  for (std::size_t i = 0; i < std::min(main, claims.size()); ++i) {
    const Verdict one = claims[i].verdict();
    if (one == Verdict::contradicted) return one;
    if (one == Verdict::not_shown) all = one;
  }
  return all;
}

std::string Finding::reason() const {
  if (!because.empty()) return "not shown at this scale, because " + because;
  std::string text;
  for (std::size_t i = 0; i < std::min(main, claims.size()); ++i) {
    const Claim& c = claims[i];
    text += fmt::format("{}{}: {}", text.empty() ? "" : ". ", c.text,
                        study::reason(c.samples, c.threshold, c.unit));
  }
  return text;
}

std::vector<Finding> findings_of(const Evidence& e) {
  std::vector<Finding> all;
  all.push_back(ratio_finding(e.results));
  all.push_back(hit_rate_finding(e.collisions));
  all.push_back(collision_finding(e.results, e.collisions));
  std::vector<Finding> shapes = shape_findings(e.results);
  all.push_back(std::move(shapes.at(0)));
  all.push_back(norms_finding(e.results));
  all.push_back(amplification_finding(e.results));
  for (std::size_t i = 1; i < shapes.size(); ++i) all.push_back(std::move(shapes[i]));
  for (Finding& finding : serving_findings(e.serving)) all.push_back(std::move(finding));
  all.push_back(per_layer_finding(e.results));
  all.push_back(
      {"qat",
       "Quantization-aware training wins back what rounding costs (the paper leaves it to future work)",
       {},
       1,
       "training through rounded weights is not part of this version"});
  return all;
}

Json to_json(const Finding& f) {
  Json json = {{"id", f.id}, {"title", f.title}, {"verdict", name_of(f.verdict())}};
  json.update(json_of(f.claims.empty() ? Samples{} : f.claims.front().samples));
  const double threshold = f.claims.empty() ? 0 : f.claims.front().threshold;
  json["unit"] = f.claims.empty() ? "" : f.claims.front().unit;
  json["threshold"] = threshold > 0 ? Json(threshold) : Json();
  json["reason"] = f.reason();
  json["claims"] = Json::array();
  for (const Claim& claim : f.claims) json["claims"].push_back(json_of(claim));
  json.update(f.more);
  return json;
}

std::vector<std::pair<double, std::string>> numbered(const Results& results, const std::string& prefix) {
  std::vector<std::pair<double, std::string>> found;
  for (const auto& [name, runs] : results.all()) {
    if (!name.starts_with(prefix)) continue;
    double number = 0;
    const char* end = name.data() + name.size();
    const auto [rest, problem] = std::from_chars(name.data() + prefix.size(), end, number);
    if (problem == std::errc() && rest == end) found.emplace_back(number, name);
  }
  std::ranges::sort(found);
  return found;
}

report::Table comparison(const Results& results,
                         const std::vector<std::pair<std::string, std::string>>& pairs) {
  report::Table table{
      {"run", "parameters", "activated", "held-out nats", "bits per byte", "cloze", "busiest expert",
       "ms a step", "gain at equal tokens", "gain at equal seconds", "cloze gain"},
      {}};
  const auto add = [&](const std::string& name, std::vector<std::string> gains) {
    const std::vector<JobResult>& runs = results.of(name);
    if (runs.empty()) return;
    std::vector<std::string> row = {
        name,
        std::to_string(runs.front().total),
        std::to_string(runs.front().activated),
        mean_text(results.values(name, heldout)),
        mean_text(results.values(name, [](const JobResult& r) { return r.bits_per_byte; })),
        mean_text(results.values(name, cloze)),
        mean_text(results.values(name, [](const JobResult& r) { return r.load; })),
        mean_text(results.values(name, [](const JobResult& r) { return 1e3 * r.seconds_per_step; }))};
    row.insert(row.end(), gains.begin(), gains.end());
    table.rows.push_back(std::move(row));
  };
  for (const auto& [experts, tables] : pairs) {
    add(experts, {"", "", ""});
    add(tables, {mean_text(results.differences(experts, tables, heldout)),
                 mean_text(results.gain_at_equal_time(experts, tables)),
                 mean_text(results.differences(tables, experts, cloze))});
  }
  return table;
}

Json comparison_json(const Results& results, const std::string& experts, const std::string& tables) {
  return {{"equal_tokens", json_of(results.differences(experts, tables, heldout))},
          {"equal_seconds", json_of(results.gain_at_equal_time(experts, tables))},
          {"cloze", json_of(results.differences(tables, experts, cloze))}};
}

report::Point point(double x, const Samples& samples) { return {x, samples.mean(), samples.sd()}; }

}  // namespace nestor::study
