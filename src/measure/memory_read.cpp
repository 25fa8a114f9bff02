#include "measure/memory_read.h"

#include <immintrin.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "measure/stopwatch.h"

namespace nestor::measure {
namespace {

// What a thread claims at a time: one that comes late is not waited for with half of the memory.
constexpr std::size_t kClaimed = std::size_t{1} << 20;

template <int kStreams>
__attribute__((target("avx2"))) std::uint64_t read_streams(const std::uint8_t* data, std::size_t bytes,
                                                           int bytes_ahead) {
  const std::size_t part = bytes / kStreams / 128 * 128;
  __m256i sums[kStreams];
  for (auto& s : sums) s = _mm256_setzero_si256();
  for (std::size_t at = 0; at < part; at += 128) {
    for (int s = 0; s < kStreams; ++s) {
      const auto* p = reinterpret_cast<const __m256i*>(data + static_cast<std::size_t>(s) * part + at);
      const __m256i first = _mm256_or_si256(_mm256_loadu_si256(p), _mm256_loadu_si256(p + 1));
      const __m256i second = _mm256_or_si256(_mm256_loadu_si256(p + 2), _mm256_loadu_si256(p + 3));
      sums[s] = _mm256_xor_si256(sums[s], _mm256_or_si256(first, second));
      if (bytes_ahead == 0) continue;
      _mm_prefetch(reinterpret_cast<const char*>(p) + bytes_ahead, _MM_HINT_T0);
      _mm_prefetch(reinterpret_cast<const char*>(p) + bytes_ahead + 64, _MM_HINT_T0);
    }
  }
  std::uint64_t out = 0;
  for (const auto& s : sums) out ^= static_cast<std::uint64_t>(_mm256_extract_epi64(s, 0));
  return out;
}

void read_once(const std::uint8_t* data, std::size_t bytes, const Walk& walk) {
  const auto read = walk.streams == 1   ? read_streams<1>
                    : walk.streams == 2 ? read_streams<2>
                    : walk.streams == 4 ? read_streams<4>
                                        : read_streams<8>;
  const std::uint64_t sum = read(data, bytes, walk.bytes_ahead);
  asm volatile("" : : "r"(sum));
}

constexpr std::array<Walk, 8> kWalks = {
    {{1, 0}, {2, 0}, {4, 0}, {8, 0}, {1, 4608}, {2, 4608}, {4, 4608}, {8, 4608}}};

}  // namespace

Memory::Memory(std::size_t bytes) : bytes_(bytes) {
  data_ = static_cast<std::uint8_t*>(std::aligned_alloc(2U << 20, bytes));
  if (data_ == nullptr) fail(ErrorKind::limit, "no memory for {} bytes", bytes);
  ::madvise(data_, bytes, MADV_HUGEPAGE);
  std::memset(data_, 1, bytes);
}

Memory::~Memory() { std::free(data_); }

double read_rate(kernels::Team& team, std::span<const std::uint8_t> bytes, const Walk& walk) {
  const auto pieces = static_cast<std::int64_t>((bytes.size() + kClaimed - 1) / kClaimed);
  const auto read = [&](std::int64_t i, int) {
    const std::size_t begin = static_cast<std::size_t>(i) * kClaimed;
    read_once(bytes.data() + begin, std::min(kClaimed, bytes.size() - begin), walk);
  };
  // Awake: each waits for the others, on a processor of its own.
  std::atomic<int> awake{0};
  team.run(team.threads(), [&](std::int64_t, int) {
    ++awake;
    const auto start = Clock::now();
    while (awake < team.threads() && seconds_since(start) < 1e-3) _mm_pause();
  });
  const auto start = Clock::now();
  team.run(pieces, read);
  return static_cast<double>(bytes.size()) / seconds_since(start);
}

Walk fastest_walk(kernels::Team& team, const Memory& memory) {
  constexpr std::size_t kWindow = std::size_t{64} << 20;
  const std::size_t window = std::min(kWindow, memory.bytes());
  std::array<double, kWalks.size()> best{};
  std::size_t at = 0;
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < kWalks.size(); ++i) {
      best[i] = std::max(best[i], read_rate(team, memory.all().subspan(at, window), kWalks[i]));
      at = at + 2 * window <= memory.bytes() ? at + window : 0;
    }
  }
  return kWalks[static_cast<std::size_t>(std::max_element(best.begin(), best.end()) - best.begin())];
}

double dram_read(kernels::Team& team, const Memory& memory, int most) {
  const Walk walk = fastest_walk(team, memory);
  std::vector<double> rates;
  for (int pass = 0; pass < most; ++pass) {
    rates.push_back(read_rate(team, memory.all(), walk));
    std::ranges::sort(rates, std::greater());
    if (rates.size() >= 3 && rates[2] > 0.97 * rates[0]) break;
  }
  return rates.empty() ? 0 : rates[0];
}

double cache_read(kernels::Team& team, const Memory& memory, std::size_t bytes, int rounds) {
  const std::size_t share = memory.bytes() / static_cast<std::size_t>(team.threads()) / 4096 * 4096;
  const std::size_t each = std::min(bytes, share);
  double most = 0;
  for (int repetition = 0; repetition < 5; ++repetition) {
    const auto start = Clock::now();
    team.run(team.threads(), [&](std::int64_t i, int) {
      for (int r = 0; r < rounds; ++r)
        read_once(memory.data() + static_cast<std::size_t>(i) * share, each, {2, 0});
    });
    most = std::max(most, static_cast<double>(each) * team.threads() * rounds / seconds_since(start));
  }
  return most;
}

std::vector<double> Rates::sorted() const {
  std::vector<double> rates = all_;
  std::ranges::sort(rates);
  return rates;
}

double Rates::median() const { return all_.empty() ? 0 : sorted()[all_.size() / 2]; }

bool Rates::steady() const {
  if (all_.empty()) return false;
  const auto rates = sorted();
  const std::size_t outside = rates.size() / 8;  // on either side
  return rates[rates.size() - 1 - outside] <= 4.0 / 3 * rates[outside];
}

}  // namespace nestor::measure
