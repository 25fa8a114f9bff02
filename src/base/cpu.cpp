#include "base/cpu.h"

#include <cpuid.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace nestor {
namespace {

// Linux gives a process the large registers of AMX when it asks for them.
bool may_use_tile_registers() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

}  // namespace

CpuInfo cpu_info() {
  CpuInfo info;
  __builtin_cpu_init();
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool f16c = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
  info.signature = a;
  info.avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 && f16c;
  const bool avx_vnni = __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & bit_AVXVNNI) != 0;
  info.avx2_vnni = info.avx2 && avx_vnni;
  info.avx512 = info.avx2 && __builtin_cpu_supports("avx512f") != 0 &&
                __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
                __builtin_cpu_supports("avx512vl") != 0;
  info.avx512_vnni = info.avx512 && __builtin_cpu_supports("avx512vnni") != 0;
  info.avx512_bf16 = info.avx512_vnni && __builtin_cpu_supports("avx512bf16") != 0;

  constexpr unsigned kAmxBf16 = 1U << 22, kAmxTile = 1U << 24, kAmxInt8 = 1U << 25;
  const bool leaf = __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0;
  const bool amx = leaf && (d & kAmxTile) != 0 && (d & kAmxInt8) != 0;
  info.avx512_amx = info.avx512_vnni && amx && may_use_tile_registers();
  info.avx512_amx_bf16 = info.avx512_amx && (d & kAmxBf16) != 0;

  std::array<unsigned, 12> brand{};
  if (__get_cpuid(0x80000000, &a, &b, &c, &d) != 0 && a >= 0x80000004) {
    for (unsigned i = 0; i < 3; ++i) {
      __get_cpuid(0x80000002 + i, &brand[4 * i], &brand[4 * i + 1], &brand[4 * i + 2], &brand[4 * i + 3]);
    }
    std::array<char, 49> text{};
    std::memcpy(text.data(), brand.data(), 48);
    info.name = text.data();
    while (!info.name.empty() && info.name.back() == ' ') info.name.pop_back();
  }

  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) info.cores = CPU_COUNT(&set);
  return info;
}

}  // namespace nestor
