#include "study/lanes.h"

#include <fmt/format.h>

#include <chrono>
#include <set>
#include <thread>

#include "base/error.h"

namespace nestor::study {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kPause{20};
constexpr std::chrono::seconds kGrace{20};  // to save a snapshot on a slow disk

class Lanes {
 public:
  Lanes(const std::vector<Job>& jobs, const JobSetting& setting, const JobStore& store,
        const LaneOptions& options, ProgressSink& progress)
      : setting_(setting), store_(store), options_(options), progress_(progress), total_(jobs.size()) {
    std::set<std::string> keys;  // runs of one recipe may have several names
    for (const Job& job : jobs) {
      if (keys.insert(job.key).second && !store.find(job.key, options.note)) waiting_.push_back(&job);
    }
  }

  void work(const std::stop_token& stop) {
    while (!running_.empty() || next_ < waiting_.size()) {
      if (stop.stop_requested()) return wind_up();
      while (std::ssize(running_) < options_.lanes && next_ < waiting_.size())
        running_.push_back(std::make_unique<JobRun>(setting_, *waiting_[next_++]));
      look_after_all();
      progress_.advance("jobs", total_ - (waiting_.size() - next_) - running_.size(), total_);
      std::this_thread::sleep_for(kPause);
    }
    if (!failures_.empty()) fail(ErrorKind::bad_input, "{}", failures_);
  }

 private:
  void look_after_all() {
    std::erase_if(running_, [this](const std::unique_ptr<JobRun>& run) {
      const JobRun::State state = run->poll();
      if (state == JobRun::State::done) store(*run);
      if (state == JobRun::State::failed) note_failure(*run);
      return state != JobRun::State::running;
    });
  }

  void store(const JobRun& run) {
    const JobResult& r = run.result();
    store_.put(run.job().key, to_json(r));
    run.clean_up();
    options_.note(
        fmt::format("{} seed {}: held-out {:.4f} nats, busiest expert {:.1f} times the mean, {:.0f} s",
                    r.name, r.seed, r.final_heldout(), r.load, r.cpu_seconds));
  }

  void note_failure(const JobRun& run) {
    const std::string text = fmt::format("the job {} seed {}: {}", run.job().name, run.job().seed, run.why());
    options_.note(text);
    failures_ += (failures_.empty() ? "" : "; ") + text;
  }

  void wind_up() {
    for (const auto& run : running_) run->interrupt();
    const Clock::time_point limit = Clock::now() + kGrace;
    while (!running_.empty() && Clock::now() < limit) {
      look_after_all();
      std::this_thread::sleep_for(kPause);
    }
    running_.clear();  // ends what is left
    fail(ErrorKind::cancelled, "interrupted; the same command goes on");
  }

  const JobSetting& setting_;
  const JobStore& store_;
  const LaneOptions& options_;
  ProgressSink& progress_;
  std::size_t total_ = 0, next_ = 0;
  std::vector<const Job*> waiting_;
  std::vector<std::unique_ptr<JobRun>> running_;
  std::string failures_;
};

}  // namespace

void run_jobs(const std::vector<Job>& jobs, const JobSetting& setting, const JobStore& store,
              const LaneOptions& options, ProgressSink& progress, const std::stop_token& stop) {
  Lanes(jobs, setting, store, options, progress).work(stop);
}

}  // namespace nestor::study
