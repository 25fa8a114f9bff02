// How fast a model is on this machine, as tokens per second and as shares of the ceilings measured in turns
// with it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/progress.h"
#include "kernels/work.h"
#include "lm/language_model.h"
#include "measure/memory_read.h"

namespace nestor::measure {

/// A model and what it has executed so far.
struct Subject {
  lm::LanguageModel& model;
  std::function<kernels::Work()> work;
  int threads;
};

/// Steps before those that are measured.
inline constexpr std::int64_t kWarmUpSteps = 2;

/// `sequences` of `depth` tokens each get `rows` more in every step.
struct DecodeCase {
  std::int64_t depth = 0;
  std::int64_t sequences = 1;
  std::int64_t rows = 1;
};

struct DecodeSpeed {
  DecodeCase what;
  double steps_s = 0;       // steps per second
  double weight_bytes = 0;  // of matrices, read in a step
  double dram_bytes_s = 0;  // what memory gives, the middle of what was read between steps
  bool steady = true;       // whether that was one speed
  double tokens_s() const { return steps_s * static_cast<double>(what.sequences * what.rows); }
  /// Weights read per second, of what memory gives; nothing where that says nothing: it was not steady, or a
  /// cache holds so much of the weights that they are read faster than memory.
  std::optional<double> share() const;
};

struct PromptSpeed {
  std::int64_t tokens = 0;
  double seconds = 0;
  kernels::Work work;         // executed for the prompt
  double int8_peak = 0;       // operations per second, two for a multiply-add; of vectors
  double int8_tile_peak = 0;  // of tile registers, 0 where there are none
  double bf16_peak = 0;       // 0 where there is no such instruction
  double fp32_peak = 0;
  double tokens_s() const { return static_cast<double>(tokens) / seconds; }
  /// What the model's matrices are multiplied with: codes of eight bits if any is, else rounded activations
  /// if any is, else floats.
  enum class Numbers { codes, rounded, floats };
  Numbers numbers() const;
  /// Operations on these, of their peak in vectors (tile registers may do more).
  double share() const;
};

/// Random token ids, none of them an end of sequence; the same for the same seed.
std::vector<TokenId> random_ids(const lm::Info& info, std::int64_t count, std::uint64_t seed);

/// One step after the other for `steps` steps, interrupted by reads of `memory`, on a thread team of its own.
DecodeSpeed decode_speed(const Subject& subject, const DecodeCase& what, std::int64_t steps,
                         std::uint64_t seed, const Memory& memory);

/// A prompt of so many tokens at once into an empty sequence, `rounds` times, the best of them; and the best
/// of as many stretches of each peak, as long as prompts and in turns with them.
PromptSpeed prompt_speed(const Subject& subject, std::int64_t tokens, int rounds, std::uint64_t seed);

}  // namespace nestor::measure
