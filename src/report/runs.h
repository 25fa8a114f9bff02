// Reports of runs that write one JSON object a line: curves over steps, several runs beside each other.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "report/document.h"

namespace nestor::report {

struct RunLines {
  std::string name;
  std::vector<Json> lines;  // objects with "step"
};

/// Reads metrics.jsonl of a run's folder, or a file of such lines. A line that a crash cut short is passed
/// over. Error(not_found) without the file, Error(bad_input) if no line is an object with a step.
RunLines read_run(const std::filesystem::path& folder_or_file);

/// Loss, held-out bits per byte, load of the experts, norms by layer, speed and memory, as far as the lines
/// have them. Long curves are shown as means of neighbouring reports.
Document runs_report(std::span<const RunLines> runs);

}  // namespace nestor::report
