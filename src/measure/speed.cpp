#include "measure/speed.h"

#include <algorithm>

#include "base/random.h"
#include "lm/finite_logits.h"
#include "lm/sequence.h"
#include "measure/ceilings.h"
#include "measure/stopwatch.h"

namespace nestor::measure {
namespace {

// A prompt is fed in pieces of this many tokens.
constexpr std::int64_t kPiece = 512;
constexpr std::size_t kWindow = std::size_t{64} << 20;

// A peak is measured for as long as the prompt took before it, so that both have seconds in which something
// else ran on the machine, or neither; of very long prompts, for so many seconds.
constexpr double kLongestStretch = 2;

void feed(lm::LanguageModel& model, lm::SequenceId sequence, std::span<const TokenId> ids) {
  while (!ids.empty()) {
    const auto piece = ids.first(std::min<std::size_t>(ids.size(), kPiece));
    const lm::Chunk chunk{sequence, piece, 0};
    model.forward({&chunk, 1});
    ids = ids.subspan(piece.size());
  }
}

// One step: the next rows of every sequence.
lm::Logits step(lm::LanguageModel& model, std::span<const lm::Sequence> sequences,
                std::span<const TokenId> ids, std::int64_t rows) {
  std::vector<lm::Chunk> batch;
  for (const lm::Sequence& sequence : sequences) {
    batch.push_back({sequence.id(), ids.first(static_cast<std::size_t>(rows)), rows});
    ids = ids.subspan(static_cast<std::size_t>(rows));
  }
  return model.forward(batch);
}

}  // namespace

std::optional<double> DecodeSpeed::share() const {
  const double share = weight_bytes * steps_s / dram_bytes_s;
  return steady && share <= 1 ? std::optional(share) : std::nullopt;
}

PromptSpeed::Numbers PromptSpeed::numbers() const {
  if (work.code_products > 0) return Numbers::codes;
  return work.rounded_products > 0 ? Numbers::rounded : Numbers::floats;
}

double PromptSpeed::share() const {
  const auto of = [&](std::int64_t products, double peak) {
    return 2 * static_cast<double>(products) / seconds / peak;
  };
  if (numbers() == Numbers::codes) return of(work.code_products, int8_peak);
  if (numbers() == Numbers::rounded) return of(work.rounded_products, bf16_peak);
  return of(work.float_products, fp32_peak);
}

std::vector<TokenId> random_ids(const lm::Info& info, std::int64_t count, std::uint64_t seed) {
  std::vector<TokenId> ids;
  for (std::uint64_t i = 0; static_cast<std::int64_t>(ids.size()) < count; ++i) {
    const auto id = static_cast<TokenId>(uniform(seed, i, 0) * static_cast<double>(info.vocab_size));
    if (std::find(info.eos_ids.begin(), info.eos_ids.end(), id) == info.eos_ids.end()) ids.push_back(id);
  }
  return ids;
}

DecodeSpeed decode_speed(const Subject& subject, const DecodeCase& what, std::int64_t steps,
                         std::uint64_t seed, const Memory& memory) {
  lm::LanguageModel& model = subject.model;
  const lm::Sequence trunk(model);
  feed(model, trunk.id(), random_ids(model.info(), what.depth, seed));
  std::vector<lm::Sequence> sequences;
  for (std::int64_t i = 0; i < what.sequences; ++i) sequences.push_back(trunk.fork(what.depth));

  const std::int64_t per_step = what.sequences * what.rows;
  const auto ids = random_ids(model.info(), (steps + kWarmUpSteps) * per_step, seed + 1);
  const auto ids_of = [&](std::int64_t i) {
    return std::span(ids).subspan(static_cast<std::size_t>(i * per_step), static_cast<std::size_t>(per_step));
  };
  for (std::int64_t i = 0; i < kWarmUpSteps; ++i) {
    lm::check_finite(step(model, sequences, ids_of(i), what.rows));
  }

  kernels::Team team(subject.threads);
  const auto before = subject.work().weight_bytes;
  const Walk walk = fastest_walk(team, memory);
  Rates rates;
  double time = 0;
  std::size_t window = 0;
  const std::int64_t between_reads = std::max<std::int64_t>(1, steps / 8);
  for (std::int64_t i = 0; i < steps; ++i) {
    const auto start = Clock::now();
    const lm::Logits logits = step(model, sequences, ids_of(i + kWarmUpSteps), what.rows);
    time += seconds_since(start);
    lm::check_finite(logits);
    if (i % between_reads != 0) continue;
    rates.add(
        read_rate(team, memory.all().subspan(window, std::min(kWindow, memory.bytes() - window)), walk));
    window = (window + kWindow) % memory.bytes();
  }
  DecodeSpeed speed;
  speed.what = what;
  speed.steps_s = static_cast<double>(steps) / time;
  speed.weight_bytes = static_cast<double>(subject.work().weight_bytes - before) / static_cast<double>(steps);
  speed.dram_bytes_s = rates.median();
  speed.steady = rates.steady();
  return speed;
}

PromptSpeed prompt_speed(const Subject& subject, std::int64_t tokens, int rounds, std::uint64_t seed) {
  PromptSpeed speed;
  speed.tokens = tokens;
  kernels::Team team(subject.threads);
  for (int i = 0; i < rounds; ++i) {
    const lm::Sequence sequence(subject.model);
    const auto ids = random_ids(subject.model.info(), tokens, seed + static_cast<std::uint64_t>(i));
    const lm::Chunk chunk{sequence.id(), ids};
    const kernels::Work before = subject.work();
    const auto start = Clock::now();
    const lm::Logits logits = subject.model.forward({&chunk, 1});
    const double time = seconds_since(start);
    lm::check_finite(logits);
    const double stretch = std::min(time, kLongestStretch);
    speed.int8_peak = std::max(speed.int8_peak, int8_peak_over(team, stretch));
    speed.int8_tile_peak = std::max(speed.int8_tile_peak, int8_tile_peak_over(team, stretch));
    speed.bf16_peak = std::max(speed.bf16_peak, bf16_peak_over(team, stretch));
    speed.fp32_peak = std::max(speed.fp32_peak, fp32_peak_over(team, stretch));
    if (i > 0 && time >= speed.seconds) continue;
    speed.seconds = time;
    speed.work = subject.work().since(before);
  }
  return speed;
}

}  // namespace nestor::measure
