// Runs a program as a child process without a shell: arguments and standard input in, what it printed and how
// it ended out.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace nestor::testing {

struct Call {
  std::string program;
  std::vector<std::string> arguments;
  std::string input = {};  // all of standard input
  /// Sends SIGINT once this many bytes of standard output have come.
  std::optional<std::size_t> interrupt_after = {};
  /// Sends SIGINT once this stands on standard error.
  std::optional<std::string> interrupt_on = {};
  /// Sends SIGKILL this long after what stands on standard error first satisfied the condition.
  std::function<bool(const std::string&)> kill_when = {};
  std::chrono::milliseconds kill_delay{0};
  /// Longer than anything takes under a sanitizer on a busy machine; then the child is killed (SIGKILL).
  std::chrono::milliseconds limit{300000};
};

struct Outcome {
  int exit_code = -1;  // 128 + signal for a child that a signal ended
  std::string out;
  std::string err;
  bool in_time = true;
};

Outcome run_process(const Call& call);

}  // namespace nestor::testing
