// What a finished run and its evaluation say, as the result of a job.
#pragma once

#include <filesystem>

#include "study/job.h"

namespace nestor::study {

/// Reads metrics.jsonl and recipe of a run's folder. Error(bad_input) if it has no held-out text.
JobResult read_run_result(const Job& job, const std::filesystem::path& run);

/// Adds what `nestor eval --choices --json` printed.
void read_cloze(const std::filesystem::path& printed, JobResult& result);

}  // namespace nestor::study
