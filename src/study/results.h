// The results of a study by name of their run, and comparisons of two runs seed by seed.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "study/job.h"
#include "study/samples.h"

namespace nestor::study {

using Value = std::function<double(const JobResult&)>;

class Results {
 public:
  void add(JobResult result);

  bool has(const std::string& name) const { return runs_.contains(name); }
  /// By seed, ascending; none for a name that is not there.
  const std::vector<JobResult>& of(const std::string& name) const;
  const std::map<std::string, std::vector<JobResult>>& all() const { return runs_; }

  Samples values(const std::string& name, const Value& value) const;
  /// value(a) - value(b) for each seed that both have.
  Samples differences(const std::string& a, const std::string& b, const Value& value) const;

  /// How much lower the training loss of `b` is than that of `a` after equal seconds: when the faster of them
  /// reaches the end of its constant learning rate, which both have until then. Text is read once, so that
  /// this loss is that of text not seen before. Seconds are the middle ones of all seeds.
  Samples gain_at_equal_time(const std::string& a, const std::string& b) const;

 private:
  double seconds_per_step(const std::string& name) const;
  std::map<std::string, std::vector<JobResult>> runs_;
};

/// Held-out nats per token at the end.
double heldout(const JobResult& result);
/// Share of the cloze task that is right.
double cloze(const JobResult& result);

}  // namespace nestor::study
