// The cost of a model before it exists: quantities summed over its list of tensors, and the multiply-adds of
// a forward pass. Plans of memory, reports and speeds take their numbers from here.
#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "config/tensor_list.h"

namespace nestor::config {

inline constexpr std::size_t kStorages = 5;  // kinds of Storage

/// Numbers or bytes of tensors, by what they belong to and how they are stored.
class Tally {
 public:
  void add(const TensorInfo& tensor, std::uint64_t amount) {
    amounts_[static_cast<std::size_t>(tensor.slot.part)][static_cast<std::size_t>(tensor.storage)] += amount;
  }
  std::uint64_t of(Part part, Storage storage) const {
    return amounts_[static_cast<std::size_t>(part)][static_cast<std::size_t>(storage)];
  }
  std::uint64_t of(Part part) const;
  std::uint64_t of(Storage storage) const;
  std::uint64_t total() const;
  /// Matrices and vectors: neither rows of tables nor the draft block.
  std::uint64_t weights() const {
    return total() - of(Storage::table) - of(Part::draft) + of(Part::draft, Storage::table);
  }

 private:
  std::array<std::array<std::uint64_t, kStorages>, kParts> amounts_{};
};

/// Sums what `amount` says of every tensor.
Tally tally(const ModelConfig& config, const NameLayout& layout,
            const std::function<std::uint64_t(const TensorInfo&)>& amount);

/// A forward pass, as far as its cost depends on it. Numbers may be means.
struct Pass {
  double rows = 0;        // tokens that go through the layers
  double positions = 0;   // that an attention of theirs sees, summed over rows
  double picks = 0;       // of experts with weights, summed over rows and layers
  double logits = 0;      // rows that get logits
  double draft_rows = 0;  // that go through the draft block; they see what others do
};

/// How attention is computed: from the latents that the cache holds, or from keys and values of every head.
enum class AttentionForm { latent, heads };

/// Multiply-adds with matrices; norms, softmax and look-ups are not counted.
struct Operations {
  std::array<double, kParts> matrices{};  // by Part
  double attention = 0;                   // of queries with keys and of probabilities with values
  double total() const;
};
Operations operations_of(const ModelConfig& config, const NameLayout& layout, const Pass& pass,
                         AttentionForm form);

}  // namespace nestor::config
