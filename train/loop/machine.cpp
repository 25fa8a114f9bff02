#include "train/loop/machine.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <dlfcn.h>
#include <sys/resource.h>

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

// What the process got of its processors so far.
struct Processing {
  double seconds = 0;        // of all threads together
  long times_displaced = 0;  // a thread lost its processor to another program
};
Processing processing() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return {seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_nivcsw};
}

double seconds_of(const torch::Tensor& x, const torch::Tensor& w, ops::Products products, int repeats) {
  using Clock = std::chrono::steady_clock;
  torch::Tensor y;
  const auto start = Clock::now();
  for (int i = 0; i < repeats; ++i) y = ops::linear(x, w, products);
  if (y.is_cuda()) y.flatten()[0].item<float>();  // waits for the device
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Of one kind of products, measured piece by piece.
class Measurement {
 public:
  Measurement(const torch::Tensor& x, const torch::Tensor& w, ops::Products products)
      : x_(x), w_(w), products_(products) {
    constexpr double kTime = 0.005;  // of one piece, seconds: shorter than the turns that schedulers give
    seconds_of(x, w, products, 1);
    const double once = std::max(1e-7, seconds_of(x, w, products, 1));
    repeats_ = static_cast<int>(std::clamp(kTime / once, 1.0, 1e4));
  }

  void take() {
    const double work = 2.0 * static_cast<double>(x_.numel()) * static_cast<double>(w_.size(0));
    const Processing before = processing();
    const double seconds = std::max(1e-9, seconds_of(x_, w_, products_, repeats_));
    const Processing after = processing();
    const double speed = work * repeats_ / seconds;
    best_ = std::max(best_, speed);
    if (is_alone(seconds, before, after)) best_alone_ = std::max(best_alone_, speed);
  }
  double best() const { return best_; }
  double best_alone() const { return best_alone_; }  // of the pieces that nobody disturbed; 0 without

 private:
  // Where threads wait by sleeping, one that is kept from its processor shows in the seconds alone.
  bool is_alone(double seconds, const Processing& before, const Processing& after) const {
    const bool computed_throughout = x_.is_cuda() || after.seconds - before.seconds > 0.9 * seconds;
    return computed_throughout && after.times_displaced == before.times_displaced;
  }

  torch::Tensor x_, w_;
  ops::Products products_;
  int repeats_ = 1;
  double best_ = 0, best_alone_ = 0;
};

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

Speed measure_speed(const ProductShape& shape, const torch::Device& device, int pieces) {
  const torch::NoGradGuard no_grad;
  const auto options = torch::TensorOptions().device(device);
  const torch::Tensor x = torch::full({shape.rows, shape.width}, 0.5, options);
  const torch::Tensor w = torch::full({shape.inner, shape.width}, 0.25, options);
  Measurement f32(x, w, ops::Products::f32), bf16(x, w, ops::Products::bf16);
  for (int i = 0; i < pieces; ++i) {  // in turns: what else runs here then slows both
    f32.take();
    bf16.take();
  }
  if (f32.best_alone() > 0 && bf16.best_alone() > 0) return {f32.best_alone(), bf16.best_alone()};
  return {f32.best(), bf16.best(), Speed::Clock::disturbed};
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
