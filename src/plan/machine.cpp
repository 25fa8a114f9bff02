#include "plan/machine.h"

#include <array>
#include <utility>
#include <vector>

#include "measure/ceilings.h"
#include "measure/streams.h"

namespace nestor::plan {
namespace {

constexpr std::size_t kMemory = std::size_t{256} << 20;
constexpr int kReadsInFlight = 16;
constexpr std::array kEncoded = {kernels::Format::bf16, kernels::Format::q8, kernels::Format::q4};

// Products as they are asked for, each case measured once.
class ProductRates {
 public:
  ProductRates(const kernels::OpTable& ops, int threads) : ops_(ops), team_(threads), memory_(kMemory) {
    streams_ = measure::fastest_streams(ops, team_, kEncoded).streams;
  }

  double of(const measure::ProductCase& what) {
    for (const auto& [known, rate] : rates_) {
      if (known == what) return rate;
    }
    return rates_.emplace_back(what, measure::product_rate(ops_, team_, streams_, what, memory_)).second;
  }

  kernels::Team& team() { return team_; }
  const measure::Memory& memory() const { return memory_; }

 private:
  const kernels::OpTable& ops_;
  kernels::Team team_;
  measure::Memory memory_;
  kernels::Streams streams_;
  std::vector<std::pair<measure::ProductCase, double>> rates_;
};

}  // namespace

Machine measure_machine(const kernels::OpTable& ops, int threads, const std::filesystem::path& disk_file) {
  const auto rates = std::make_shared<ProductRates>(ops, threads);
  Machine machine;
  machine.memory = system_memory();
  machine.threads = threads;
  machine.product_rate = [rates](const measure::ProductCase& what) { return rates->of(what); };
  machine.fp32_rate = measure::fp32_peak(rates->team()) / 2;
  machine.memory_read = measure::dram_read(rates->team(), rates->memory());
  if (!disk_file.empty()) machine.disk_reads = measure::disk_reads(disk_file, kReadsInFlight);
  return machine;
}

}  // namespace nestor::plan
