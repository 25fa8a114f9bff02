#include "decode/adjust.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "lm/finite_logits.h"

namespace nestor::decode {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

void check_ids(std::span<const TokenId> ids, std::size_t vocab_size) {
  for (const TokenId id : ids) {
    if (static_cast<std::size_t>(id) >= vocab_size) {  // also true for a negative id
      fail(ErrorKind::bad_input, "token {} is not in the vocabulary: the logits have the ids 0 to {}", id,
           static_cast<std::int64_t>(vocab_size) - 1);
    }
  }
}

/// Calls f once for every id that occurs in the lists.
template <typename F>
void for_each_distinct(std::initializer_list<std::span<const TokenId>> lists, std::size_t vocab_size, F f) {
  std::vector<bool> seen(vocab_size);
  for (const auto& list : lists) {
    for (const TokenId id : list) {
      if (!seen[id]) f(id);
      seen[id] = true;
    }
  }
}

void keep_allowed(std::span<const std::uint64_t> allowed, std::vector<double>& adjusted) {
  if (allowed.size() != (adjusted.size() + 63) / 64) {
    fail(ErrorKind::internal, "a mask of {} words cannot be of {} tokens", allowed.size(), adjusted.size());
  }
  for (std::size_t i = 0; i < adjusted.size(); ++i) {
    if ((allowed[i / 64] >> (i % 64) & 1) == 0) adjusted[i] = -infinity;
  }
}

}  // namespace

void adjust(std::span<const float> logits, const SamplingParams& params, const Context& context,
            std::vector<double>& adjusted) {
  for (const auto& ids : {context.prompt, context.generated, context.forbidden})
    check_ids(ids, logits.size());
  lm::check_finite(logits);
  adjusted.assign(logits.begin(), logits.end());

  for (const auto& [id, bias] : params.logit_bias) adjusted[id] += bias;
  if (params.repetition_penalty != 1) {
    for_each_distinct({context.prompt, context.generated}, logits.size(), [&](TokenId id) {
      const double z = adjusted[id];
      const double r = params.repetition_penalty;
      // Kept finite above: a tiny r must not make +inf, from which nothing can be subtracted any more.
      adjusted[id] = std::min(z > 0 ? z / r : z * r, std::numeric_limits<double>::max());
    });
  }
  if (params.frequency_penalty != 0) {
    for (const TokenId id : context.generated) adjusted[id] -= params.frequency_penalty;
  }
  if (params.presence_penalty != 0) {
    for_each_distinct({context.generated}, logits.size(),
                      [&](TokenId id) { adjusted[id] -= params.presence_penalty; });
  }
  for (const TokenId id : context.forbidden) adjusted[id] = -infinity;
  if (!context.allowed.empty()) keep_allowed(context.allowed, adjusted);
}

}  // namespace nestor::decode
