#include "chat/stop_strings.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace nestor::chat {

StopStrings::StopStrings(const std::vector<std::string>& stops) : states_(1) {
  std::size_t bytes = 0;
  for (const std::string& stop : stops) {
    if (stop.empty())
      fail(ErrorKind::usage, "a stop string is empty; it would stop before the first character");
    bytes += stop.size();
    if (bytes > kMaxBytes) fail(ErrorKind::limit, "stop strings of more than {} bytes in all", kMaxBytes);
    insert(stop);
  }
  link();
}

std::uint32_t StopStrings::State::child(unsigned char byte) const {
  const auto it = std::lower_bound(next.begin(), next.end(), byte,
                                   [](const auto& entry, unsigned char b) { return entry.first < b; });
  return it != next.end() && it->first == byte ? it->second : 0;
}

void StopStrings::insert(const std::string& stop) {
  std::uint32_t at = 0;
  for (const char c : stop) {
    const auto byte = static_cast<unsigned char>(c);
    std::uint32_t child = states_[at].child(byte);
    if (child == 0) {
      child = static_cast<std::uint32_t>(states_.size());
      State state;
      state.depth = states_[at].depth + 1;
      states_.push_back(std::move(state));
      auto& next = states_[at].next;
      next.insert(std::lower_bound(next.begin(), next.end(), std::pair(byte, std::uint32_t{0})),
                  std::pair(byte, child));
    }
    at = child;
  }
  states_[at].match = states_[at].depth;
}

// Breadth first, so that the failure link of a state is complete before its children ask for it.
void StopStrings::link() {
  std::vector<std::uint32_t> order{0};
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (const auto& [byte, child] : states_[order[i]].next) {
      State& state = states_[child];
      state.failure = order[i] == 0 ? 0 : advance(states_[order[i]].failure, byte);
      if (state.match == 0) state.match = states_[state.failure].match;
      order.push_back(child);
    }
  }
}

std::uint32_t StopStrings::advance(std::uint32_t state, unsigned char byte) const {
  while (true) {
    if (const std::uint32_t child = states_[state].child(byte)) return child;
    if (state == 0) return 0;
    state = states_[state].failure;
  }
}

StopStrings::Released StopStrings::push(std::string_view piece) {
  if (stopped_) return {"", true, ""};
  const std::size_t before = held_.size();
  held_ += piece;
  for (std::size_t i = before; i < held_.size(); ++i) {
    state_ = advance(state_, static_cast<unsigned char>(held_[i]));
    if (const std::uint32_t match = states_[state_].match) {
      stopped_ = true;
      std::string stop = held_.substr(i + 1 - match, match);
      held_.resize(i + 1 - match);
      return {std::exchange(held_, {}), true, std::move(stop)};
    }
  }
  std::string released = held_.substr(0, held_.size() - states_[state_].depth);
  held_.erase(0, released.size());
  return {std::move(released), false, ""};
}

std::string StopStrings::finish() {
  state_ = 0;
  return std::exchange(held_, {});
}

}  // namespace nestor::chat
