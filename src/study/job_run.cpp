#include "study/job_run.h"

#include <fmt/format.h>

#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "study/read_metrics.h"

namespace nestor::study {
namespace {

namespace fs = std::filesystem;

// The last line that is not empty.
std::string last_line(const fs::path& file) {
  std::string last;
  std::error_code problem;
  if (!fs::exists(file, problem)) return last;
  std::istringstream lines(read_file(file, kMostFileBytes));
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) last = line;
  }
  return last;
}

}  // namespace

JobRun::JobRun(const JobSetting& setting, const Job& job)
    : setting_(setting), job_(job), folder_(setting.work / job.key), inherited_(fs::exists(folder_)) {
  train();
}

void JobRun::train() {
  stage_ = Stage::training;
  fs::create_directories(folder_);
  Json recipe = job_.recipe;
  recipe["data"]["tokenizer"] = fs::absolute(setting_.data.tokenizer).string();
  recipe["data"]["train"] = {fs::absolute(setting_.data.corpus).string()};
  write_file(folder_ / "job.json", to_text(recipe, 1) + "\n");
  std::vector<std::string> arguments = {(folder_ / "job.json").string(), "--out", (folder_ / "run").string(),
                                        "--resume"};
  if (setting_.gflops > 0) arguments.insert(arguments.end(), {"--speed", fmt::format("{}", setting_.gflops)});
  process_ =
      setting_.start({Program::trainer, std::move(arguments), folder_ / "train.out", folder_ / "train.log"});
}

void JobRun::ask() {
  stage_ = Stage::asking;
  process_ = setting_.start({Program::nestor,
                             {"eval", (folder_ / "run/final").string(), "--choices",
                              setting_.data.cloze.string(), "--json", "--threads", "1"},
                             folder_ / "cloze.json",
                             folder_ / "cloze.log"});
}

JobRun::State JobRun::poll() {
  const auto end = process_->end();
  if (!end) return State::running;
  cpu_seconds_ += end->cpu_seconds;
  if (end->code != 0) return failed(*end);
  if (stopping_) return State::interrupted;
  try {
    if (stage_ == Stage::training) {
      result_ = read_run_result(job_, folder_ / "run");
      if (std::error_code none; fs::file_size(setting_.data.cloze, none) > 0) {
        ask();
        return State::running;
      }
    } else {
      read_cloze(folder_ / "cloze.json", result_);
    }
  } catch (const Error& error) {
    why_ = error.what();
    return State::failed;
  }
  result_.cpu_seconds = cpu_seconds_;
  result_.machine = setting_.machine;
  return State::done;
}

// What an earlier process left may be damaged: then the job begins once more.
JobRun::State JobRun::failed(const Process::End& end) {
  if (stopping_) return State::interrupted;
  if (inherited_) {
    inherited_ = false;
    clean_up();
    train();
    return State::running;
  }
  const bool training = stage_ == Stage::training;
  const std::string said = last_line(folder_ / (training ? "train.log" : "cloze.log"));
  why_ = fmt::format("{} ended with code {}: {}", training ? "nestor-train" : "nestor eval", end.code, said);
  return State::failed;
}

void JobRun::interrupt() {
  stopping_ = true;
  process_->interrupt();
}

void JobRun::clean_up() const { fs::remove_all(folder_); }

}  // namespace nestor::study
