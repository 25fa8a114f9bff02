#include "measure/ceilings.h"

#include <fcntl.h>
#include <immintrin.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/cpu.h"
#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "measure/stopwatch.h"

namespace nestor::measure {
namespace {

double seconds(const std::function<void()>& work) {
  const auto start = Clock::now();
  work();
  return seconds_since(start);
}

// The best of five: what disturbs only makes it slower.
double best(double work, const std::function<void()>& run) {
  double least = seconds(run);
  for (int i = 0; i < 4; ++i) least = std::min(least, seconds(run));
  return work / least;
}

// Each returns the multiply-adds it made, in some 0.2 ms; twelve independent chains hide the latency of any
// of these.
constexpr std::int64_t kRounds = 100'000;
constexpr int kChains = 12;
// Not unrolled, the sums would live in memory and the peak would be that of its latency.
#define NESTOR_KEEP_IN_REGISTERS _Pragma("GCC unroll 16")

__attribute__((target("avx2,fma"))) std::int64_t fp32_avx2(volatile float* sink) {
  __m256 sums[kChains];
  for (auto& s : sums) s = _mm256_set1_ps(1);
  __m256 a = _mm256_set1_ps(0.999F);
  const __m256 b = _mm256_set1_ps(1e-3F);
  for (std::int64_t i = 0; i < kRounds; ++i) {
    asm volatile("" : "+x"(a));  // not to be taken out of the loop
    NESTOR_KEEP_IN_REGISTERS
    for (auto& s : sums) s = _mm256_fmadd_ps(s, a, b);
  }
  for (const auto& s : sums) *sink = _mm256_cvtss_f32(s);
  return kRounds * kChains * 8;
}

__attribute__((target("avx512f"))) std::int64_t fp32_avx512(volatile float* sink) {
  __m512 sums[kChains];
  for (auto& s : sums) s = _mm512_set1_ps(1);
  __m512 a = _mm512_set1_ps(0.999F);
  const __m512 b = _mm512_set1_ps(1e-3F);
  for (std::int64_t i = 0; i < kRounds; ++i) {
    asm volatile("" : "+v"(a));
    NESTOR_KEEP_IN_REGISTERS
    for (auto& s : sums) s = _mm512_fmadd_ps(s, a, b);
  }
  for (const auto& s : sums) *sink = _mm512_cvtss_f32(s);
  return kRounds * kChains * 16;
}

// As products of 4-bit codes do it: eight pairs of bytes in 16 bits, then one step to 32.
__attribute__((target("avx2"))) std::int64_t int8_avx2(volatile float* sink) {
  constexpr int kSums = 4;
  __m256i sums[kSums];
  for (auto& s : sums) s = _mm256_setzero_si256();
  __m256i a = _mm256_set1_epi8(3);
  const __m256i b = _mm256_set1_epi8(5);
  const __m256i ones = _mm256_set1_epi16(1);
  for (std::int64_t i = 0; i < kRounds / 4; ++i) {
    NESTOR_KEEP_IN_REGISTERS
    for (auto& s : sums) {
      __m256i pairs = _mm256_setzero_si256();
      NESTOR_KEEP_IN_REGISTERS
      for (int k = 0; k < 8; ++k) {
        asm volatile("" : "+x"(a));
        pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(a, b));
      }
      s = _mm256_add_epi32(s, _mm256_madd_epi16(pairs, ones));
    }
  }
  for (const auto& s : sums) *sink = static_cast<float>(_mm256_extract_epi32(s, 0));
  return kRounds / 4 * kSums * 8 * 32;
}

// Written out, because g++ 12 copies the sums from register to register between the products. What is in them
// does not matter: whole numbers take the same time. Each round adds to kChains registers, from 2 on.
#define NESTOR_SUMS "2,3,4,5,6,7,8,9,10,11,12,13"
#define NESTOR_SUM_REGISTERS                                                                                 \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", \
      "xmm13"

__attribute__((target("avx2,avxvnni"))) std::int64_t int8_avx2_vnni(volatile float* sink) {
  for (std::int64_t i = 0; i < kRounds; ++i) {
    asm volatile(".irp n," NESTOR_SUMS "\n\t%{vex%} vpdpbusd %%ymm0, %%ymm1, %%ymm\\n\n\t.endr"
                 :
                 :
                 : NESTOR_SUM_REGISTERS);
  }
  *sink = 0;
  return kRounds * kChains * 32;
}

__attribute__((target("avx512f,avx512vnni"))) std::int64_t int8_avx512_vnni(volatile float* sink) {
  for (std::int64_t i = 0; i < kRounds; ++i) {
    asm volatile(".irp n," NESTOR_SUMS "\n\tvpdpbusd %%zmm0, %%zmm1, %%zmm\\n\n\t.endr"
                 :
                 :
                 : NESTOR_SUM_REGISTERS);
  }
  *sink = 0;
  return kRounds * kChains * 64;
}

// All tile registers with 16 rows of 64 bytes: palette 1, then from byte 16 on the bytes of a row in 16 bits
// each, from byte 48 on the rows.
constexpr std::array<std::uint8_t, 64> kTileConfig = [] {
  std::array<std::uint8_t, 64> config{1};
  for (std::size_t i = 0; i < 8; ++i) {
    config[16 + 2 * i] = 64;
    config[48 + i] = 16;
  }
  return config;
}();

// Four sums in tile registers, 16 x 16 numbers each, over products of 16 x 64 and 64 x 16 codes.
__attribute__((target("amx-tile,amx-int8"))) std::int64_t int8_amx(volatile float* sink) {
  constexpr std::int64_t kTileRounds = kRounds / 16;
  _tile_loadconfig(kTileConfig.data());
  for (std::int64_t i = 0; i < kTileRounds; ++i) {
    _tile_dpbssd(4, 0, 2);
    _tile_dpbssd(5, 0, 3);
    _tile_dpbssd(6, 1, 2);
    _tile_dpbssd(7, 1, 3);
  }
  _tile_release();
  *sink = 0;
  return kTileRounds * 4 * 16 * 16 * 64;
}

__attribute__((target("avx512f,avx512bf16"))) std::int64_t bf16_avx512(volatile float* sink) {
  __m512 sums[kChains];
  for (auto& s : sums) s = _mm512_set1_ps(1);
  __m512i a = _mm512_set1_epi16(0x3F80);
  const __m512i b = _mm512_set1_epi16(0x3A80);
  for (std::int64_t i = 0; i < kRounds; ++i) {
    asm volatile("" : "+v"(a));
    NESTOR_KEEP_IN_REGISTERS
    for (auto& s : sums) s = _mm512_dpbf16_ps(s, (__m512bh)a, (__m512bh)b);
  }
  for (const auto& s : sums) *sink = _mm512_cvtss_f32(s);
  return kRounds * kChains * 32;
}

using Body = std::int64_t (*)(volatile float*);

// So many calls for every worker.
void call(kernels::Team& team, Body body, std::int64_t calls) {
  team.run(calls * team.threads(), [&](std::int64_t, int) {
    volatile float sink = 0;
    body(&sink);
  });
}

// Operations of a call by every worker.
double operations(kernels::Team& team, Body body) {
  volatile float sink = 0;
  return 2.0 * static_cast<double>(body(&sink) * team.threads());
}

double peak(kernels::Team& team, Body body) {
  constexpr std::int64_t kCalls = 20;
  return best(operations(team, body) * kCalls, [&] { call(team, body, kCalls); });
}

double peak_over(kernels::Team& team, Body body, double least) {
  constexpr std::int64_t kCalls = 256;  // all wait for the last of many, not of a few
  double time = 0;
  double done = 0;
  for (; time < least; done += operations(team, body) * kCalls)
    time += seconds([&] { call(team, body, kCalls); });
  return done / time;
}

Body fp32_body() { return __builtin_cpu_supports("avx512f") != 0 ? fp32_avx512 : fp32_avx2; }

Body int8_body() {
  if (cpu_info().avx512_vnni) return int8_avx512_vnni;
  return cpu_info().avx2_vnni ? int8_avx2_vnni : int8_avx2;
}

}  // namespace

double fp32_peak(kernels::Team& team) { return peak(team, fp32_body()); }
double fp32_peak_over(kernels::Team& team, double least) { return peak_over(team, fp32_body(), least); }

double int8_peak(kernels::Team& team) { return peak(team, int8_body()); }
double int8_peak_over(kernels::Team& team, double least) { return peak_over(team, int8_body(), least); }

double int8_tile_peak(kernels::Team& team) { return cpu_info().avx512_amx ? peak(team, int8_amx) : 0; }
double int8_tile_peak_over(kernels::Team& team, double least) {
  return cpu_info().avx512_amx ? peak_over(team, int8_amx, least) : 0;
}

double bf16_peak(kernels::Team& team) { return cpu_info().avx512_bf16 ? peak(team, bf16_avx512) : 0; }
double bf16_peak_over(kernels::Team& team, double least) {
  return cpu_info().avx512_bf16 ? peak_over(team, bf16_avx512, least) : 0;
}

double fork_join(kernels::Team& team) {
  constexpr int kRegions = 2000;
  return 1 / best(kRegions, [&] {
           for (int i = 0; i < kRegions; ++i) team.run(team.threads(), [](std::int64_t, int) {});
         });
}

double disk_reads(const std::filesystem::path& path, int depth) {
  constexpr int kReads = 512;
  const InputFile file(path);
  const int direct = ::open(path.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC);
  if (direct < 0) fail(ErrorKind::io, "{}: the file system does not read past its cache", path.string());
  const std::uint64_t pages = file.size() / 4096;
  std::vector<std::thread> readers;
  const double time = seconds([&] {
    for (int d = 0; d < depth; ++d) {
      readers.emplace_back([&, d] {
        const std::unique_ptr<void, decltype(&std::free)> page(std::aligned_alloc(4096, 4096), &std::free);
        for (std::uint64_t i = 0; i < kReads; ++i) {
          const auto at = static_cast<std::uint64_t>(uniform(11, i, static_cast<std::uint64_t>(d)) *
                                                     static_cast<double>(pages));
          if (::pread(direct, page.get(), 4096, static_cast<off_t>(at * 4096)) != 4096) return;
        }
      });
    }
    for (std::thread& reader : readers) reader.join();
  });
  ::close(direct);
  return kReads * depth / time;
}

}  // namespace nestor::measure
