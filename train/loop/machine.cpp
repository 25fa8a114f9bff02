#include "train/loop/machine.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/cpu.h"
#include "base/error.h"

namespace nestor::train {
namespace {

namespace fs = std::filesystem;

// libtorch finds its CUDA part by itself once the library is loaded; it lies beside libtorch_cpu.so.
void load_cuda() {
  Dl_info where{};
  if (dladdr(reinterpret_cast<const void*>(&at::get_cpu_capability), &where) == 0 ||
      where.dli_fname == nullptr) {
    fail(ErrorKind::internal, "cannot find out where libtorch lies");
  }
  const fs::path library = fs::path(where.dli_fname).parent_path() / "libtorch_cuda.so";
  if (dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    fail(ErrorKind::unsupported,
         "device cuda: the GPU part of libtorch cannot be loaded ({}); install the torch wheel with its "
         "nvidia "
         "packages, or train with device cpu",
         dlerror());
  }
}

double seconds_of(const torch::Tensor& x, const torch::Tensor& w, ops::Products products, int repeats) {
  using Clock = std::chrono::steady_clock;
  torch::Tensor y;
  const auto start = Clock::now();
  for (int i = 0; i < repeats; ++i) y = ops::linear(x, w, products);
  if (y.is_cuda()) y.flatten()[0].item<float>();  // waits for the device
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double flops_of(const ProductShape& s, const torch::Device& device, ops::Products products) {
  constexpr double kTime = 0.02;  // of one measurement, seconds
  constexpr int kMeasurements = 5;
  const auto options = torch::TensorOptions().device(device);
  const torch::Tensor x = torch::full({s.rows, s.width}, 0.5, options);
  const torch::Tensor w = torch::full({s.inner, s.width}, 0.25, options);
  const double work =
      2.0 * static_cast<double>(s.rows) * static_cast<double>(s.width) * static_cast<double>(s.inner);
  seconds_of(x, w, products, 1);
  const double once = std::max(1e-7, seconds_of(x, w, products, 1));
  const int repeats = static_cast<int>(std::clamp(kTime / once, 1.0, 1e4));
  double best = 0;
  for (int i = 0; i < kMeasurements; ++i) {
    best = std::max(best, work * repeats / std::max(1e-9, seconds_of(x, w, products, repeats)));
  }
  return best;
}

}  // namespace

const char* name_of(ops::Products products) { return products == ops::Products::bf16 ? "bf16" : "f32"; }

torch::Device open_device(const std::string& name) {
  if (name == "cpu") return torch::kCPU;
  load_cuda();
  if (!torch::cuda::is_available()) {
    fail(ErrorKind::unsupported, "device {}: libtorch sees no usable GPU here; train with device cpu", name);
  }
  const torch::Device device(name);
  if (device.has_index() && device.index() >= torch::cuda::device_count()) {
    fail(ErrorKind::unsupported, "device {}: this machine has {} GPUs", name, torch::cuda::device_count());
  }
  return device;
}

std::string kernels_here() { return fmt::format("{} {}", TORCH_VERSION, at::get_cpu_capability()); }

Speed measure_speed(const ProductShape& shape, const torch::Device& device) {
  const torch::NoGradGuard no_grad;
  return {flops_of(shape, device, ops::Products::f32), flops_of(shape, device, ops::Products::bf16)};
}

Arithmetic choose_arithmetic(const recipe::Recipe& recipe, const Speed& speed) {
  Arithmetic chosen;
  chosen.threads = recipe.threads > 0 ? recipe.threads : cpu_info().cores;
  const bool measured = recipe.products == recipe::Choice::measured;
  const bool bf16 = measured ? speed.bf16 > speed.f32 : recipe.products == recipe::Choice::bf16;
  chosen.products = bf16 ? ops::Products::bf16 : ops::Products::f32;
  chosen.kernels = kernels_here();
  return chosen;
}

void apply_arithmetic(const Arithmetic& arithmetic) {
  at::set_num_threads(arithmetic.threads);
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
  // That alone would also fill every new tensor before it is written.
  at::globalContext().setDeterministicFillUninitializedMemory(false);
  // Gates far from zero make numbers so small that the processor computes them a hundred times slower. Each
  // thread has its own mode.
  at::parallel_for(0, arithmetic.threads, 1,
                   [](std::int64_t, std::int64_t) { at::globalContext().setFlushDenormal(true); });
}

}  // namespace nestor::train
