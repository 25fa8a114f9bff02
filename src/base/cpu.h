// What this machine can do, by CPUID at run time.
#pragma once

#include <cstdint>
#include <string>

namespace nestor {

struct CpuInfo {
  std::string name;              // brand string
  std::uint32_t signature = 0;   // family, model and stepping: EAX of CPUID leaf 1
  bool avx2 = false;             // AVX2, FMA and F16C
  bool avx2_vnni = false;        // those and VNNI for 256 bits (AVX-VNNI)
  bool avx512 = false;           // AVX-512 F, BW, DQ, VL (with AVX2, FMA, F16C)
  bool avx512_vnni = false;      // those and AVX-512 VNNI
  bool avx512_bf16 = false;      // those and AVX-512 BF16
  bool avx512_amx = false;       // those and AMX for eight bits, which the system lets this process use
  bool avx512_amx_bf16 = false;  // those and AMX for bfloat16
  int cores = 1;                 // processors this process may run on
};

/// Asks the processor and the operating system, the latter also for the registers of AMX; cheap.
CpuInfo cpu_info();

}  // namespace nestor
