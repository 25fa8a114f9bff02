// A program that runs beside this one, and never after it.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "study/process.h"

namespace nestor::app {

/// Started by the thread that owns this; when that thread ends, however it does, the child is killed.
class ChildProcess : public study::Process {
 public:
  /// Error(io) if no process can be made. A program that cannot be started ends with 127.
  ChildProcess(const std::filesystem::path& program, const study::ProcessCommand& command);
  /// Kills it if it still runs, and waits.
  ~ChildProcess() override;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  std::optional<End> end() override;
  void interrupt() override;

 private:
  pid_t pid_ = -1;
  std::optional<End> end_;
};

}  // namespace nestor::app
