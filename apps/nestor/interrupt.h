// Signals: Ctrl-C asks running work to stop, and a file that shrinks under a mapping ends with a message.
#pragma once

#include <signal.h>

#include <initializer_list>
#include <stop_token>
#include <utility>
#include <vector>

namespace nestor::app {

/// While it lives, these signals request a stop on stop() instead of ending the program; a second one before
/// the work reacts ends it at once. SIGHUP stays ignored where it was, as nohup has it. One at a time.
class InterruptScope {
 public:
  InterruptScope(std::initializer_list<int> signals = {SIGINT, SIGTERM});
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  std::stop_token stop() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::vector<std::pair<int, struct sigaction>> before_;
};

/// From now on Ctrl-C outside of an InterruptScope only interrupts a wait for input.
void survive_interrupts();

/// For the whole program: a file that becomes shorter while it is mapped ends it with a message.
void end_on_bus_errors();

/// Exit code of a command that the user interrupted, as shells expect it.
inline constexpr int kInterruptedExit = 130;

}  // namespace nestor::app
