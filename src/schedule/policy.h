// What goes into the next forward pass: a pure function of what the requests are and of what there is
// room for.
//
// - Requests stand in line by priority, then by arrival. Waiting lifts a request by one priority for every
//   `patience` forwards, so nothing waits for ever behind a stream of better ones.
// - Whoever generates gets a row first, then prompts get theirs in chunks, then drafts of those that
//   generate.
// - Of prompts, each takes at most half of the rows that are left, in line, while others need rows, too:
//   the first one gets on, and a short one behind a long one is not held up by it.
// - A waiting request is admitted when the pages for all its tokens are free beside what the running ones
//   still need. Nobody overtakes the first that does not fit.
// - Where a running request finds no page for its next row, the last in line is preempted. A waiting one
//   preempts only those whose own priority is worse.
//
// It knows counts only: neither sequences, nor pages, nor tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace nestor::schedule {

enum class Phase {
  waiting,    // holds nothing
  following,  // waits, and for good reason: a request before it is computing a prefix that both share
  prefill,    // tokens before the last are missing
  decode,     // only the token generated last is missing, and drafts after it
};

/// What the policy knows of a request.
struct Standing {
  Phase phase = Phase::waiting;
  int priority = 0;           // lower runs earlier
  std::uint64_t arrival = 0;  // unique
  std::int64_t waited = 0;    // forwards without it since it arrived
  std::int64_t held = 0;   // tokens that the model holds of it, or will when it is admitted (a cached prefix)
  std::int64_t wants = 1;  // rows: all missing tokens of a prompt; in decode 1, and one for each draft
  std::int64_t first_row_pages = 0;  // pages that its next row takes
};

/// What there is room for.
struct Budget {
  std::int64_t rows = 256;     // of one forward, more than `running`, so that prompts get on beside them
  std::int64_t chunk = 256;    // rows of one prompt in one forward
  std::int64_t running = 16;   // requests at a time
  std::int64_t patience = 64;  // forwards of waiting that outweigh one step of priority
  std::int64_t free_pages = std::int64_t{1} << 40;
  std::int64_t page_positions = 1;
};

struct Plan {
  struct Share {
    std::size_t request;
    std::int64_t rows;
  };
  std::vector<std::size_t> admitted;  // in line; waiting requests that run from now on
  std::vector<Share> shares;          // at most one a request, rows > 0
  bool short_of_pages = false;  // with more free pages it would be another plan: drop caches, plan again
  /// Who has to give up its pages or its place. If anybody, plan again without it before anything runs.
  std::optional<std::size_t> preempted;
};

/// Whether a stands before b in line.
bool stands_before(const Standing& a, const Standing& b, std::int64_t patience);

/// Pages that appending `rows` rows takes.
std::int64_t pages_for(const Standing& request, std::int64_t rows, std::int64_t page_positions);

/// A plan is a pure function of what plan() is given; memory is kept from one to the next.
class Planner {
 public:
  /// Valid until the next call.
  const Plan& plan(std::span<const Standing> requests, const Budget& budget);

 private:
  void stand_in_line();
  void give(std::size_t i, std::int64_t most);
  std::int64_t rows_within_pages(std::size_t i) const;
  void admit();
  std::int64_t pages_missing(std::size_t i) const;
  void preempt_for(std::size_t waiting);
  void share_among_prompts();
  void find_stranded();
  std::int64_t pages_of(std::size_t i, std::int64_t rows) const;

  std::span<const Standing> requests_;
  Budget budget_;                    // rows and free_pages: those that are left
  std::vector<std::int64_t> given_;  // rows of each request
  std::vector<std::size_t> line_, waiting_, running_, decoding_, prompts_;  // in line
  Plan plan_;
};

}  // namespace nestor::schedule
