#include "study/study_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "report/scale.h"

namespace nestor::study {
namespace {

report::Badge badge_of(Verdict verdict) {
  using Tone = report::Badge::Tone;
  const Tone tone = verdict == Verdict::shown          ? Tone::good
                    : verdict == Verdict::contradicted ? Tone::bad
                                                       : Tone::open;
  return {tone, name_of(verdict)};
}

double cpu_seconds(const Results& results) {
  double sum = 0;
  for (const auto& [name, runs] : results.all()) {
    for (const JobResult& r : runs) sum += r.cpu_seconds;
  }
  return sum;
}

report::Table overview(const ReportSummary& summary) {
  report::Table table{{"finding", "verdict", "value", "seeds", "reason"}, {}};
  for (const Finding& f : summary.findings) {
    const Samples samples = f.claims.empty() ? Samples{} : f.claims.front().samples;
    const bool any = !samples.values.empty();
    table.rows.push_back({f.id, name_of(f.verdict()),
                          any ? fmt::format("{} ± {} {}", report::number_text(samples.mean()),
                                            report::number_text(samples.sd()), f.claims.front().unit)
                              : "-",
                          std::to_string(samples.values.size()), f.reason()});
  }
  return table;
}

report::Table claims_table(const Finding& f) {
  report::Table table{{"claim", "verdict", "what was found"}, {}};
  for (const Claim& claim : f.claims) {
    const bool judged = claim.threshold > 0;
    table.rows.push_back({claim.text, judged ? name_of(claim.verdict()) : "reported",
                          judged || claim.samples.values.empty()
                              ? reason(claim.samples, claim.threshold, claim.unit)
                              : fmt::format("{} ± {} {}", report::number_text(claim.samples.mean()),
                                            report::number_text(claim.samples.sd()), claim.unit)});
  }
  return table;
}

report::Section section_of(const Finding& f) {
  report::Section section{
      f.id, f.id + ": " + f.title, {badge_of(f.verdict())}, {report::Paragraph{f.reason()}}};
  if (!f.claims.empty()) section.blocks.emplace_back(claims_table(f));
  section.blocks.insert(section.blocks.end(), f.blocks.begin(), f.blocks.end());
  return section;
}

report::Table runs_table(const Results& results) {
  report::Table table{{"run", "seed", "parameters", "n-gram share", "million tokens", "held-out nats",
                       "bits per byte", "busiest expert", "cloze", "CPU seconds"},
                      {}};
  for (const auto& [name, runs] : results.all()) {
    for (const JobResult& r : runs) {
      using report::number_text;
      table.rows.push_back(
          {name, std::to_string(r.seed), std::to_string(r.total),
           fmt::format("{:.0f} %", 100.0 * static_cast<double>(r.ngram) / static_cast<double>(r.total)),
           number_text(static_cast<double>(r.steps * r.tokens_per_step) / 1e6),
           number_text(r.final_heldout()), number_text(r.bits_per_byte), number_text(r.load),
           fmt::format("{} of {}", r.right, r.questions), number_text(r.cpu_seconds)});
    }
  }
  return table;
}

}  // namespace

report::Document study_document(const Grid& grid, const Context& context, const Evidence& evidence,
                                const ReportSummary& summary) {
  std::set<std::string> machines;
  for (const auto& [name, runs] : evidence.results.all()) {
    for (const JobResult& r : runs) machines.insert(r.machine);
  }
  report::Document document{"Study " + grid.name + ": where should the parameters go?",
                            fmt::format("Findings of arXiv 2601.21204, repeated at small scale: {} of {} "
                                        "runs, {:.0f} seconds of a processor. Nestor {}, {}.",
                                        summary.done, summary.jobs, cpu_seconds(evidence.results),
                                        context.program, fmt::join(machines, "; ")),
                            {}};
  report::Section all{"findings", "All findings", {}, {}};
  all.blocks.emplace_back(
      report::Paragraph{"Values are means over seeds with the standard deviation of a sample. Runs are "
                        "paired: the same seed, the same text in the "
                        "same order, as many parameters within a thousandth. A gain at equal tokens is of "
                        "held-out text at the end; one at equal "
                        "seconds is of the training loss, whose text is read once, when the faster run "
                        "begins to lower its learning rate. The cloze "
                        "task asks which of four passages of held-out text goes on from here. 'Not shown' "
                        "says nothing against a finding."});
  all.blocks.emplace_back(report::Command{fmt::format("nestor study {} --out DIR", grid.name)});
  all.blocks.emplace_back(overview(summary));
  document.sections.push_back(std::move(all));
  for (const Finding& f : summary.findings) document.sections.push_back(section_of(f));
  if (!evidence.results.all().empty())
    document.sections.push_back({"runs", "All runs", {}, {runs_table(evidence.results)}});
  return document;
}

Json study_json(const Grid& grid, const Context& context, const Evidence& evidence,
                const ReportSummary& summary) {
  Json json = {{"grid", grid.name},
               {"program", context.program},
               {"jobs", summary.jobs},
               {"done", summary.done},
               {"cpu_seconds", cpu_seconds(evidence.results)},
               {"findings", Json::array()},
               {"runs", Json::array()}};
  for (const Finding& f : summary.findings) json["findings"].push_back(to_json(f));
  for (const auto& [name, runs] : evidence.results.all()) {
    for (const JobResult& r : runs) {
      json["runs"].push_back({{"name", name},
                              {"seed", r.seed},
                              {"parameters", r.total},
                              {"activated", r.activated},
                              {"heldout", r.final_heldout()},
                              {"bits_per_byte", r.bits_per_byte},
                              {"expert_load", r.load},
                              {"cloze", cloze(r)},
                              {"cpu_seconds", r.cpu_seconds}});
    }
  }
  return json;
}

}  // namespace nestor::study
