#include "kernels/arena.h"

#include <algorithm>

#include "base/error.h"

namespace nestor::kernels {
namespace {

constexpr std::size_t kAlignFloats = 16;                      // 64 bytes: a cache line and the widest vector
constexpr std::size_t kSmallestBlock = std::size_t{1} << 16;  // floats

}  // namespace

float* Arena::take(std::int64_t count) {
  const std::size_t size = (static_cast<std::size_t>(count) + kAlignFloats - 1) / kAlignFloats * kAlignFloats;
  while (block_ < blocks_.size() && used_ + size > blocks_[block_].size) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    const std::size_t last = blocks_.empty() ? 0 : blocks_.back().size;
    const std::size_t grown = std::max({size, kSmallestBlock, 2 * last});
    auto* memory = static_cast<float*>(allocate_aligned(grown * sizeof(float)));
    if (memory == nullptr) {
      fail(ErrorKind::busy, "no memory for {} bytes of working space; use a smaller batch or --chunk",
           grown * sizeof(float));
    }
    blocks_.push_back({std::unique_ptr<float, AlignedFree>(memory), grown});
    used_ = 0;
  }
  float* taken = blocks_[block_].data.get() + used_;
  used_ += size;
  return taken;
}

Arena& Arena::of_worker(int worker) {
  while (static_cast<int>(workers_.size()) <= worker) workers_.push_back(std::make_unique<Arena>());
  return *workers_[static_cast<std::size_t>(worker)];
}

std::size_t Arena::bytes() const {
  std::size_t total = 0;
  for (const auto& worker : workers_) total += worker->bytes();
  for (const Block& block : blocks_) total += block.size * sizeof(float);
  return total;
}

}  // namespace nestor::kernels
