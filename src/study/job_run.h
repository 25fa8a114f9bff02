// A job on its way: trains, then answers the cloze task, then is a result.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "study/data.h"
#include "study/job.h"
#include "study/process.h"

namespace nestor::study {

struct JobSetting {
  const StartProcess& start;
  const StudyData& data;
  std::filesystem::path work;  // a folder for runs that are not finished
  double gflops = 0;           // of matrix products here; 0: every run measures
  std::string machine;
};

class JobRun {
 public:
  /// Goes on with what an earlier process left in the folder of this job, if that is of use.
  JobRun(const JobSetting& setting, const Job& job);

  enum class State { running, done, failed, interrupted };
  /// Looks after the process; does not wait.
  State poll();
  /// Asks the process to end. A run that trains keeps what it has for the next time.
  void interrupt();

  const Job& job() const { return job_; }
  const JobResult& result() const { return result_; }  // once done
  const std::string& why() const { return why_; }      // once failed
  /// Removes the folder of the run.
  void clean_up() const;

 private:
  void train();
  void ask();
  void finish();
  State failed(const Process::End& end);

  const JobSetting& setting_;
  Job job_;
  std::filesystem::path folder_;
  enum class Stage { training, asking } stage_ = Stage::training;
  bool inherited_ = false;  // something of an earlier process was there
  bool stopping_ = false;
  std::unique_ptr<Process> process_;
  double cpu_seconds_ = 0;
  JobResult result_;
  std::string why_;
};

}  // namespace nestor::study
