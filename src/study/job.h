// One run of a study: what decides its result, and the result.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "study/grid.h"

namespace nestor::study {

/// What a result also depends on.
struct Context {
  std::string corpus;   // fingerprint of text and tokenizer
  std::string program;  // version of the trainer
};

struct Job {
  std::string name;
  std::uint64_t seed = 0;
  Json recipe;      // with the seed, without the files of its data
  std::string key;  // hash of recipe, corpus and program: equal jobs have equal results
};

/// Every variant with every seed of its own, all variants of a seed before the next seed, so that a part of a
/// study can be read.
std::vector<Job> jobs_of(const Grid& grid, const Context& context);

/// Part `part` of `parts`, from 1: every parts-th job.
std::vector<Job> share_of(const std::vector<Job>& jobs, std::int64_t part, std::int64_t parts);

struct JobResult {
  std::string name;
  std::uint64_t seed = 0;
  std::int64_t total = 0, activated = 0, ngram = 0;  // parameters
  std::int64_t steps = 0, tokens_per_step = 0;
  double stable_steps = 0;  // before the learning rate falls
  struct Loss {
    double step = 0, loss = 0;
  };
  std::vector<Loss> losses;   // training, over the steps since the one before
  std::vector<Loss> heldout;  // nats per token
  double bits_per_byte = 0;
  double load = 0;  // busiest expert over the mean, at the end
  struct Norm {
    std::string name;
    double branch = 0, stream = 0;
  };
  std::vector<Norm> norms;
  std::int64_t right = 0, questions = 0;  // of the cloze task
  double seconds_per_step = 0;            // the middle of all reports
  double cpu_seconds = 0;                 // of all its processes
  std::string machine;

  double final_heldout() const { return heldout.empty() ? 0 : heldout.back().loss; }
};

Json to_json(const JobResult& result);
/// Error(bad_input) for anything else than to_json gives.
JobResult result_from(const Json& json, const std::string& what);

}  // namespace nestor::study
