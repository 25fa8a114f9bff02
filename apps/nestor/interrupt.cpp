#include "interrupt.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <string_view>
#include <thread>

namespace nestor::app {
namespace {

// A signal handler may only write to a descriptor; a watching thread turns that into a stop request.
std::atomic<int> signal_pipe{-1};
std::atomic<int> signals_seen{0};

extern "C" void on_interrupt(int) {
  if (signals_seen.fetch_add(1) > 0) ::_exit(kInterruptedExit);
  const char byte = 's';
  const int to = signal_pipe.load();
  if (to >= 0 && ::write(to, &byte, 1) < 0) ::_exit(kInterruptedExit);
}

extern "C" void on_bus_error(int) {
  constexpr std::string_view kText =
      "nestor: error: a file of the model became shorter while it was in use; restore it and start again\n";
  [[maybe_unused]] const ssize_t n = ::write(STDERR_FILENO, kText.data(), kText.size());
  ::_exit(1);
}

extern "C" void on_nothing(int) {}

// Returns what handled the signal before.
struct sigaction handle(int signal, void (*handler)(int)) {
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = handler;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(signal, &action, &before);
  return before;
}

}  // namespace

InterruptScope::InterruptScope(std::initializer_list<int> signals) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return;  // without a pipe signals keep their default effect
  signals_seen = 0;
  signal_pipe = ends[1];
  std::thread([from = ends[0], source = source_]() mutable {
    char byte = 0;
    if (::read(from, &byte, 1) == 1) source.request_stop();
    ::close(from);
  }).detach();
  for (const int signal : signals) {
    const struct sigaction before = handle(signal, on_interrupt);
    before_.emplace_back(signal, before);
    if (signal == SIGHUP && before.sa_handler == SIG_IGN) handle(SIGHUP, SIG_IGN);
  }
}

InterruptScope::~InterruptScope() {
  const int to = signal_pipe.load();
  if (to < 0) return;
  for (const auto& [signal, before] : before_) ::sigaction(signal, &before, nullptr);
  signal_pipe = -1;
  ::close(to);  // the watching thread sees the end and leaves
}

void survive_interrupts() { handle(SIGINT, on_nothing); }

void end_on_bus_errors() { handle(SIGBUS, on_bus_error); }

}  // namespace nestor::app
