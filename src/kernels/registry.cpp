#include "kernels/registry.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/error.h"
#include "kernels/reference/reference.h"

extern const nestor::kernels::OpTable nestor_ops_avx2;
extern const nestor::kernels::OpTable nestor_ops_avx2_vnni;
extern const nestor::kernels::OpTable nestor_ops_avx512;
extern const nestor::kernels::OpTable nestor_ops_avx512_vnni;
extern const nestor::kernels::OpTable nestor_ops_avx512_bf16;
extern const nestor::kernels::OpTable nestor_ops_avx512_amx;
extern const nestor::kernels::OpTable nestor_ops_avx512_amx_bf16;

namespace nestor::kernels {
namespace {

struct Set {
  const OpTable* table;
  bool (*runs_on)(const CpuInfo&);
};

// Fastest first, then the plain one, which runs everywhere, and those that are not chosen unless asked for.
std::array<Set, 8> sets() {
  return {Set{&nestor_ops_avx512_amx, [](const CpuInfo& cpu) { return cpu.avx512_amx; }},
          Set{&nestor_ops_avx512_vnni, [](const CpuInfo& cpu) { return cpu.avx512_vnni; }},
          Set{&nestor_ops_avx512, [](const CpuInfo& cpu) { return cpu.avx512; }},
          Set{&nestor_ops_avx2_vnni, [](const CpuInfo& cpu) { return cpu.avx2_vnni; }},
          Set{&nestor_ops_avx2, [](const CpuInfo& cpu) { return cpu.avx2; }},
          Set{&reference_table(), [](const CpuInfo&) { return true; }},
          Set{&nestor_ops_avx512_amx_bf16, [](const CpuInfo& cpu) { return cpu.avx512_amx_bf16; }},
          Set{&nestor_ops_avx512_bf16, [](const CpuInfo& cpu) { return cpu.avx512_bf16; }}};
}

}  // namespace

std::vector<std::string_view> compiled_sets() {
  std::vector<std::string_view> names;
  for (const Set& set : sets()) names.emplace_back(set.table->name);
  return names;
}

std::vector<std::string_view> runnable_sets(const CpuInfo& cpu, Activations activations) {
  std::vector<std::string_view> names;
  for (const Set& set : sets()) {
    if (set.runs_on(cpu) && activations_of(*set.table) == activations) names.emplace_back(set.table->name);
  }
  return names;
}

Activations activations_of(const OpTable& ops) {
  return ops.matmul_rounded != nullptr ? Activations::bf16 : Activations::exact;
}

const OpTable& select_set(std::string_view name, const CpuInfo& cpu, Activations activations) {
  const auto all_runnable = [&] {
    std::vector<std::string_view> names = runnable_sets(cpu, Activations::exact);
    std::ranges::copy(runnable_sets(cpu, Activations::bf16), std::back_inserter(names));
    return names;
  };
  for (const Set& set : sets()) {
    const bool runs = set.runs_on(cpu);
    if (name == "auto" && runs && activations_of(*set.table) == activations) return *set.table;
    if (name != set.table->name) continue;
    if (!runs) {
      fail(ErrorKind::usage,
           "the kernel set {} needs instructions that this processor ({}) lacks; it runs: {}", name, cpu.name,
           fmt::join(all_runnable(), ", "));
    }
    if (activations == Activations::exact || activations_of(*set.table) == activations) return *set.table;
    fail(ErrorKind::usage, "the kernel set {} does not round activations to bf16; {} does", name,
         nestor_ops_avx512_bf16.name);
  }
  if (name == "auto") {
    fail(ErrorKind::usage,
         "activations in bf16 need the instructions AVX512_BF16, which this processor ({}) lacks", cpu.name);
  }
  fail(ErrorKind::usage, "no kernel set is called {}; expected auto or one of: {}", in_quotes(name),
       fmt::join(compiled_sets(), ", "));
}

}  // namespace nestor::kernels
