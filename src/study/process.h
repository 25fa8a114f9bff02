// The programs that a study starts, as it sees them. Who starts them is the business of whoever runs the
// study.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nestor::study {

enum class Program { trainer, nestor };

struct ProcessCommand {
  Program program = Program::trainer;
  std::vector<std::string> arguments;
  std::filesystem::path out, err;  // files for what it prints
};

/// A program that runs beside this one. Destroying it ends it.
class Process {
 public:
  virtual ~Process() = default;
  struct End {
    int code = 0;  // 128 + signal where one ended it
    double cpu_seconds = 0;
  };
  /// How it ended, or nothing as long as it runs. Does not wait.
  virtual std::optional<End> end() = 0;
  /// Asks it to end as Ctrl-C does.
  virtual void interrupt() = 0;
};

using StartProcess = std::function<std::unique_ptr<Process>(const ProcessCommand&)>;

}  // namespace nestor::study
