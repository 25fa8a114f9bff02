#include "grammar/work.h"

#include <algorithm>
#include <string_view>

namespace nestor::grammar {
namespace {

constexpr std::uint64_t kBetweenLooks = 20'000;  // steps: a fraction of a millisecond

constexpr std::array<std::string_view, 5> kNames = {"joining allOf, anyOf and references",
                                                    "patterns and formats", "texts and lists of values",
                                                    "bounds of numbers", "the number of its parts"};

}  // namespace

void Work::look() {
  if (effort_.stop.stop_requested()) fail(ErrorKind::cancelled, "nobody waits for this schema any more");
  if (total_ > effort_.steps) {
    const auto most = std::max_element(used_.begin(), used_.end()) - used_.begin();
    throw EffortSpent(fmt::format(
        "{}: the schema is too costly: compiling it takes more than {} steps, most of them for {}; make it "
        "smaller there",
        place_ == nullptr ? "schema" : *place_, effort_.steps, kNames[static_cast<std::size_t>(most)]));
  }
  next_look_ = std::min(effort_.steps + 1, total_ + kBetweenLooks);
}

}  // namespace nestor::grammar
