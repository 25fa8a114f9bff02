#include "report/runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "report/crossing.h"
#include "report/scale.h"

namespace nestor::report {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;
constexpr std::size_t kMostPoints = 100;  // of one curve

// A key of the lines and how it is shown.
struct Curve {
  const char *key, *id, *title, *unit;
  Scale scale = Scale::linear;
};
constexpr Curve kCurves[] = {
    {"loss", "loss", "Training loss", "nats per token"},
    {"heldout_bits_per_byte", "heldout", "Held-out text", "bits per byte"},
    {"heldout_nll_per_token", "heldout-nats", "Held-out text", "nats per token"},
    {"expert_load", "load", "Load of the experts", "busiest over the mean"},
    {"identity_share", "identity", "Picks of identity experts", "share"},
    {"gradient_norm", "gradient", "Norm of the gradient before clipping", "L2 norm", Scale::log},
    {"tokens_per_second", "speed", "Speed", "tokens a second"},
    {"resident_bytes", "memory", "Memory in use", "bytes"},
};

std::optional<double> number_at(const Json& line, const char* key) {
  const auto found = line.find(key);
  if (found == line.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

std::vector<Point> points_of(const RunLines& run, const char* key) {
  std::vector<Point> points;
  for (const Json& line : run.lines) {
    if (const auto y = number_at(line, key)) points.push_back({*number_at(line, "step"), *y});
  }
  return points;
}

// Means of neighbours, each at the last of their steps.
std::vector<Point> thinned(const std::vector<Point>& points) {
  const std::size_t group = (points.size() + kMostPoints - 1) / kMostPoints;
  if (group <= 1) return points;
  std::vector<Point> few;
  for (std::size_t first = 0; first < points.size(); first += group) {
    const std::size_t end = std::min(points.size(), first + group);
    double sum = 0;
    for (std::size_t i = first; i < end; ++i) sum += points[i].y;
    few.push_back({points[end - 1].x, sum / static_cast<double>(end - first)});
  }
  return few;
}

// "from 9.10 to 4.31 after step 150", for each run.
std::string summary_of(const std::vector<Series>& series) {
  std::string text;
  for (const Series& s : series) {
    const Point &first = s.points.front(), &last = s.points.back();
    text += fmt::format("{}{}: {} at step {}, {} at step {}", text.empty() ? "" : "; ", s.name,
                        number_text(first.y), number_text(first.x), number_text(last.y), number_text(last.x));
  }
  return text + ".";
}

std::optional<Plot> plot_of(std::span<const RunLines> runs, const Curve& curve) {
  Plot plot{curve.id, curve.title, "", {"step"}, {curve.unit, curve.scale}, {}};
  for (const RunLines& run : runs) {
    std::vector<Point> points = thinned(points_of(run, curve.key));
    const bool speaks = std::ranges::any_of(points, [](const Point& p) { return p.y != 0; });
    if (speaks) plot.series.push_back({run.name, std::move(points)});
  }
  if (plot.series.empty()) return std::nullopt;
  plot.summary = summary_of(plot.series);
  if (plot.series.size() == 2) {
    const auto met = crossings(plot.series[0], plot.series[1], Scale::linear);
    // Curves that cross often are equal but for noise.
    if (met.size() == 1) plot.marks.push_back({met[0].x, met[0].y, "cross at step " + number_text(met[0].x)});
  }
  return plot;
}

// Of the last report that has them.
const Json* norms_of(const RunLines& run) {
  for (auto line = run.lines.rbegin(); line != run.lines.rend(); ++line) {
    const auto found = line->find("norms");
    if (found != line->end() && found->is_array() && !found->empty()) return &*found;
  }
  return nullptr;
}

std::optional<Plot> norms_plot(const RunLines& run, std::size_t number) {
  const Json* norms = norms_of(run);
  if (norms == nullptr) return std::nullopt;
  Plot plot{fmt::format("norms-{}", number),
            "Norms by layer: " + run.name,
            "",
            {"branch"},
            {"mean L2 norm of a token", Scale::log},
            {{"branch", {}}, {"stream before it", {}}}};
  for (const Json& norm : *norms) {
    const auto branch = number_at(norm, "branch"), stream = number_at(norm, "stream");
    if (!branch || !stream || !norm.contains("name") || !norm["name"].is_string()) continue;
    const auto x = static_cast<double>(plot.x.categories.size());
    plot.x.categories.push_back(norm["name"].get<std::string>());
    plot.series[0].points.push_back({x, *branch});
    plot.series[1].points.push_back({x, *stream});
  }
  if (plot.x.categories.empty()) return std::nullopt;
  plot.summary = fmt::format(
      "What each branch adds, beside the residual stream that it is added to. At {} the branch is {} times "
      "the stream.",
      plot.x.categories[0], number_text(plot.series[0].points[0].y / plot.series[1].points[0].y));
  return plot;
}

std::string last_text(const RunLines& run, const char* key) {
  const std::vector<Point> points = points_of(run, key);
  return points.empty() ? "-" : number_text(points.back().y);
}

Table overview(std::span<const RunLines> runs) {
  Table table{{"run", "step", "loss", "held-out nats", "bits per byte", "load", "tokens a second"}, {}};
  for (const RunLines& run : runs) {
    table.rows.push_back({run.name, last_text(run, "step"), last_text(run, "loss"),
                          last_text(run, "heldout_nll_per_token"), last_text(run, "heldout_bits_per_byte"),
                          last_text(run, "expert_load"), last_text(run, "tokens_per_second")});
  }
  return table;
}

}  // namespace

RunLines read_run(const fs::path& folder_or_file) {
  const bool folder = fs::is_directory(folder_or_file);
  const fs::path file = folder ? folder_or_file / "metrics.jsonl" : folder_or_file;
  RunLines run;
  fs::path named = folder_or_file.lexically_normal();
  if (!named.has_filename()) named = named.parent_path();
  run.name = named.filename().string();
  std::istringstream lines(read_file(file, kMostBytes));
  for (std::string text; std::getline(lines, text);) {
    try {
      Json line = parse_json(text, file.string());
      if (line.is_object() && number_at(line, "step")) run.lines.push_back(std::move(line));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::bad_input) throw;
    }
  }
  if (run.lines.empty())
    fail(ErrorKind::bad_input, "{}: expected a line with a step for each report of a run, found none",
         file.string());
  return run;
}

Document runs_report(std::span<const RunLines> runs) {
  std::string names;
  for (const RunLines& run : runs) names += (names.empty() ? "" : ", ") + run.name;
  Document document{(runs.size() == 1 ? "Training run " : "Training runs ") + names,
                    "Steps are batches. Every figure is a mean over the steps since the report before.",
                    {}};
  Section curves{"curves", "Curves", {}, {overview(runs)}};
  for (const Curve& curve : kCurves) {
    if (auto plot = plot_of(runs, curve)) curves.blocks.emplace_back(std::move(*plot));
  }
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (auto plot = norms_plot(runs[i], i)) curves.blocks.emplace_back(std::move(*plot));
  }
  document.sections.push_back(std::move(curves));
  return document;
}

}  // namespace nestor::report
