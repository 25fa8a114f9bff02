#include "processors.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <thread>
#include <vector>

#include "base/cpu.h"

namespace nestor::app {
namespace {

double seconds_of_this_thread() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// The share of its processor that a thread gets while it computes all the time.
double share_of_processor() {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kTime{50};  // many turns of a scheduler
  const double before = seconds_of_this_thread();
  const Clock::time_point start = Clock::now();
  Clock::time_point now = start;
  while (now - start < kTime) now = Clock::now();
  return (seconds_of_this_thread() - before) / std::chrono::duration<double>(now - start).count();
}

}  // namespace

bool has_processors_alone() {
  constexpr double kAlone = 0.9;  // two programs on a processor have half each
  std::vector<double> shares(static_cast<std::size_t>(cpu_info().cores));
  std::vector<std::jthread> threads;
  for (double& share : shares) threads.emplace_back([&share] { share = share_of_processor(); });
  threads.clear();  // waits for them
  return std::ranges::all_of(shares, [](double share) { return share > kAlone; });
}

}  // namespace nestor::app
