// Jobs side by side, so many at once, each with one thread.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/progress.h"
#include "study/job_run.h"
#include "study/job_store.h"

namespace nestor::study {

struct LaneOptions {
  int lanes = 1;
  const Note& note;
};

/// Runs every job whose result the store lacks, those with the same key once, and stores what comes out. A
/// job that fails is noted, and the others go on; Error(bad_input) at the end then names it. Error(cancelled)
/// if `stop` asks: the processes are told and have some seconds to keep what they have.
void run_jobs(const std::vector<Job>& jobs, const JobSetting& setting, const JobStore& store,
              const LaneOptions& options, ProgressSink& progress, const std::stop_token& stop);

}  // namespace nestor::study
