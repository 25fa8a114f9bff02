// What a parallel region costs with our team and with OpenMP, in turns in one process, with and without
// another busy thread beside them on the machine.
//   build/release/bin/team_bench [threads]
// A region is 64 claimed tiles of about 1 us each: the size of a matrix product of a small model.
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <vector>

#include "base/cpu.h"
#include "kernels/parallel.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kTiles = 64;
constexpr int kRegions = 300;
constexpr int kRounds = 7;

void tile_work(std::int64_t tile) {
  volatile float x = static_cast<float>(tile);
  for (int i = 0; i < 400; ++i) x = x * 0.999F + 1.0F;
}

double with_team(nestor::kernels::Team& team) {
  const auto start = Clock::now();
  for (int i = 0; i < kRegions; ++i) team.run(kTiles, [](std::int64_t tile, int) { tile_work(tile); });
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count() / kRegions;
}

double with_openmp(int threads) {
  const auto start = Clock::now();
  for (int i = 0; i < kRegions; ++i) {
    std::atomic<std::int64_t> next = 0;
#pragma omp parallel num_threads(threads)
    for (std::int64_t tile = next++; tile < kTiles; tile = next++) tile_work(tile);
  }
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count() / kRegions;
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

struct Result {
  double team;
  double openmp;
};

Result measure(int threads) {
  nestor::kernels::Team team(threads);
  std::vector<double> ours;
  std::vector<double> theirs;
  for (int round = 0; round < kRounds; ++round) {
    ours.push_back(with_team(team));
    theirs.push_back(with_openmp(threads));
  }
  return {median(ours), median(theirs)};
}

}  // namespace

int main(int argc, char** argv) {
  const nestor::CpuInfo cpu = nestor::cpu_info();
  const int threads = argc > 1 ? std::atoi(argv[1]) : cpu.cores;
  const Result alone = measure(threads);
  std::atomic<bool> busy = true;
  std::thread foreign([&] {
    while (busy) tile_work(1);
  });
  const Result crowded = measure(threads);
  busy = false;
  foreign.join();
  fmt::print("us per region of {} tiles, {} threads    team    OpenMP\n", kTiles, threads);
  fmt::print("alone                                  {:7.1f}   {:7.1f}\n", alone.team, alone.openmp);
  fmt::print("beside one busy thread                 {:7.1f}   {:7.1f}\n", crowded.team, crowded.openmp);
  fmt::print(
      "{{\"bench\":\"team\",\"cpu\":\"{}\",\"threads\":{},\"team_us\":{:.2f},\"openmp_us\":{:.2f},"
      "\"team_busy_us\":{:.2f},\"openmp_busy_us\":{:.2f}}}\n",
      cpu.name, threads, alone.team, alone.openmp, crowded.team, crowded.openmp);
  return 0;
}
