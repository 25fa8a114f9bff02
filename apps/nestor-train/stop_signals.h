// Signals of a run that nobody wants to lose.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

namespace nestor::app {

/// While it lives, SIGINT, SIGTERM, SIGHUP (the terminal is gone), SIGPIPE (who read what is printed is
/// gone) and what batch systems send before they kill (SIGXCPU, SIGUSR1, SIGUSR2) request a stop, on a thread
/// of its own. A second Ctrl-C ends the program at once; other signals may come twice, as some senders do. A
/// file that grows too large (SIGXFSZ) is an error of the write. One at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  std::stop_token stop() const { return source_.get_token(); }

  /// What a second Ctrl-C says before it ends the program. Any thread may call.
  void set_last_words(const std::string& text);

 private:
  std::stop_source source_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<const std::string>> words_;  // guarded; a handler may still read an older one
};

}  // namespace nestor::app
