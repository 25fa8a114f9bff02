#include "stop_signals.h"

#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <thread>

#include "nestor/interrupt.h"

namespace nestor::app {
namespace {

constexpr int kStopping[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXCPU, SIGUSR1, SIGUSR2};

// State that signal handlers may touch.
std::atomic<int> signal_pipe{-1};
std::atomic<std::int64_t> first_interrupt{0};  // milliseconds
std::atomic<const std::string*> last_words{nullptr};

std::int64_t milliseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

// Some senders signal a process and its group, so that one Ctrl-C comes twice at once.
bool is_second_interrupt() {
  constexpr std::int64_t kApart = 200;
  std::int64_t none = 0;
  const std::int64_t now = milliseconds();
  return !first_interrupt.compare_exchange_strong(none, now) && now - none >= kApart;
}

extern "C" void on_stop(int signal) {
  if (signal == SIGINT && is_second_interrupt()) {
    const std::string* words = last_words.load();
    if (words != nullptr) {
      [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, words->data(), words->size());
    }
    ::_exit(kInterruptedExit);
  }
  const char byte = 's';
  const int reason = errno;
  // A full pipe means that a stop was asked for already.
  [[maybe_unused]] const ssize_t written = ::write(signal_pipe.load(), &byte, 1);
  errno = reason;
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

StopSignals::StopSignals() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return;  // without a pipe signals keep their default effect
  ::fcntl(ends[1], F_SETFL, O_NONBLOCK);
  signal_pipe = ends[1];
  std::thread([from = ends[0], source = source_]() mutable {
    char byte = 0;
    if (::read(from, &byte, 1) == 1) source.request_stop();
    while (::read(from, &byte, 1) == 1) continue;
    ::close(from);
  }).detach();
  for (const int signal : kStopping) handle(signal, on_stop);
  handle(SIGXFSZ, SIG_IGN);
}

StopSignals::~StopSignals() {
  const int to = signal_pipe.load();
  if (to < 0) return;
  for (const int signal : kStopping) handle(signal, SIG_IGN);
  last_words = nullptr;
  ::close(to);  // the watching thread sees the end and leaves
}

void StopSignals::set_last_words(const std::string& text) {
  const std::lock_guard lock(mutex_);
  words_.push_back(std::make_unique<const std::string>(text + "\n"));
  last_words = words_.back().get();
}

}  // namespace nestor::app
