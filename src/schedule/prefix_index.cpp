#include "schedule/prefix_index.h"

#include <iterator>
#include <utility>

namespace nestor::schedule {

std::int64_t common_prefix(std::span<const TokenId> a, std::span<const TokenId> b) {
  return std::ranges::mismatch(a, b).in1 - a.begin();
}

void PrefixIndex::park(lm::Sequence sequence) {
  const auto history = sequence.history();
  if (history.empty()) return;
  const auto next = parked_.lower_bound(history);
  // Who begins with this history comes next in order; who is a prefix of it comes before it.
  if (next != parked_.end() && common_prefix(next->sequence.history(), history) == std::ssize(history)) {
    next->last_used = ++clock_;
    return;
  }
  if (next != parked_.begin()) {
    const auto before = std::prev(next);
    const auto shorter = before->sequence.history();
    if (common_prefix(shorter, history) == std::ssize(shorter)) parked_.erase(before);
  }
  parked_.insert(Parked{std::move(sequence), ++clock_});
}

std::optional<Prefix> PrefixIndex::longest_prefix(std::span<const TokenId> history) {
  const auto next = parked_.lower_bound(history);
  auto best = parked_.end();
  std::int64_t length = 0;
  const auto consider = [&](auto candidate) {
    const std::int64_t common = common_prefix(candidate->sequence.history(), history);
    if (common > length) {
      length = common;
      best = candidate;
    }
  };
  if (next != parked_.end()) consider(next);
  if (next != parked_.begin()) consider(std::prev(next));
  if (best == parked_.end()) return std::nullopt;
  best->last_used = ++clock_;
  return Prefix{&best->sequence, length};
}

bool PrefixIndex::drop_oldest() {
  const auto oldest = std::ranges::min_element(parked_, {}, &Parked::last_used);
  if (oldest == parked_.end()) return false;
  parked_.erase(oldest);
  return true;
}

}  // namespace nestor::schedule
