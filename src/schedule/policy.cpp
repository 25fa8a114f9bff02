#include "schedule/policy.h"

#include <algorithm>

namespace nestor::schedule {
namespace {

std::int64_t level(const Standing& s, std::int64_t patience) { return s.priority - s.waited / patience; }

bool runs(const Standing& s) { return s.phase == Phase::prefill || s.phase == Phase::decode; }

/// Rows and pages while they are given away.
class Rest {
 public:
  Rest(std::span<const Standing> requests, const Budget& budget)
      : requests_(requests),
        page_positions_(budget.page_positions),
        rows_(budget.rows),
        pages_(budget.free_pages),
        given_(requests.size()) {}

  std::int64_t rows() const { return rows_; }
  std::int64_t pages() const { return pages_; }
  std::int64_t given(std::size_t i) const { return given_[i]; }
  std::int64_t missing(std::size_t i) const { return requests_[i].wants - given_[i]; }

  /// Gives request i at most `most` rows more: as many as it wants and as there are rows and pages for.
  void give(std::size_t i, std::int64_t most) {
    most = std::min({most, missing(i), rows_});
    const std::int64_t rows = std::min(most, rows_within_pages(i));
    if (rows <= 0) return;
    pages_ -= pages_of(i, given_[i] + rows) - pages_of(i, given_[i]);
    rows_ -= rows;
    given_[i] += rows;
  }

 private:
  std::int64_t pages_of(std::size_t i, std::int64_t rows) const {
    return pages_for(requests_[i], rows, page_positions_);
  }
  /// Rows that request i can have more with the pages that are left.
  std::int64_t rows_within_pages(std::size_t i) const {
    std::int64_t pages = pages_;
    std::int64_t sure = 0;  // the first row, whose pages are counted apart
    if (given_[i] == 0) {
      pages -= requests_[i].first_row_pages;
      if (pages < 0) return 0;
      sure = 1;
    }
    const std::int64_t length = requests_[i].held + given_[i] + sure;
    const std::int64_t in_last_page = (page_positions_ - length % page_positions_) % page_positions_;
    return sure + in_last_page + pages * page_positions_;
  }

  std::span<const Standing> requests_;
  std::int64_t page_positions_;
  std::int64_t rows_;
  std::int64_t pages_;
  std::vector<std::int64_t> given_;
};

/// One call of plan(): the steps below, in this order.
class Planner {
 public:
  Planner(std::span<const Standing> requests, const Budget& budget)
      : requests_(requests), budget_(budget), rest_(requests, budget) {
    std::vector<std::size_t> line(requests.size());
    for (std::size_t i = 0; i < line.size(); ++i) line[i] = i;
    std::ranges::sort(line, [&](std::size_t a, std::size_t b) {
      return stands_before(requests[a], requests[b], budget.patience);
    });
    for (const std::size_t i : line) {
      if (!runs(requests[i])) {
        waiting_.push_back(i);
        continue;
      }
      running_.push_back(i);
      (requests[i].phase == Phase::decode ? decoding_ : prompts_).push_back(i);
    }
  }

  Plan make() {
    for (const std::size_t i : decoding_) rest_.give(i, 1);
    admit();
    share_among_prompts();
    for (const std::size_t i : decoding_) {
      if (rest_.given(i) > 0) rest_.give(i, requests_[i].wants);
    }
    find_stranded();
    for (std::size_t i = 0; i < requests_.size(); ++i) {
      if (rest_.given(i) > 0) plan_.shares.push_back({i, rest_.given(i)});
    }
    return std::move(plan_);
  }

 private:
  void admit() {
    std::int64_t places = budget_.running - std::ssize(running_);
    // Everyone who runs keeps a page in reserve, to generate into.
    std::int64_t pages = rest_.pages();
    for (const std::size_t i : running_) pages -= pages_missing(i) + 1;
    for (const std::size_t i : waiting_) {
      if (places <= 0) return preempt_for(i);
      --places;  // also of who follows: it keeps its place
      if (requests_[i].phase == Phase::following) continue;
      const std::int64_t needed = pages_for(requests_[i], requests_[i].wants, budget_.page_positions);
      if (needed > pages) {
        plan_.short_of_pages = true;
        return preempt_for(i);
      }
      pages -= needed + 1;
      plan_.admitted.push_back(i);
      prompts_.push_back(i);
    }
  }

  /// Pages for what a running request wants beyond the rows that it got.
  std::int64_t pages_missing(std::size_t i) const {
    const auto pages = [&](std::int64_t rows) {
      return pages_for(requests_[i], rows, budget_.page_positions);
    };
    return pages(requests_[i].wants) - pages(rest_.given(i));
  }

  void preempt_for(std::size_t waiting) {
    if (running_.empty() || requests_[waiting].phase == Phase::following) return;
    const Standing& first = requests_[waiting];
    const Standing& last = requests_[running_.back()];
    const bool outranked = level(first, budget_.patience) < level(last, budget_.patience);
    if (first.priority < last.priority && outranked) plan_.preempted = running_.back();
  }

  void share_among_prompts() {
    std::ranges::sort(prompts_, [&](std::size_t a, std::size_t b) {
      return stands_before(requests_[a], requests_[b], budget_.patience);
    });
    for (const std::size_t i : prompts_) {
      rest_.give(i, std::min(budget_.chunk, std::max<std::int64_t>(1, rest_.rows() / 2)));
    }
    for (const std::size_t i : prompts_) rest_.give(i, budget_.chunk - rest_.given(i));
  }

  /// A running request without a row had no pages: rows there are for everyone, as long as budget.rows are
  /// more than budget.running.
  void find_stranded() {
    const auto stranded = [&](std::size_t i) { return rest_.given(i) == 0 && rest_.rows() > 0; };
    if (std::ranges::none_of(running_, stranded)) return;
    plan_.short_of_pages = true;
    plan_.preempted = running_.back();
  }

  std::span<const Standing> requests_;
  const Budget& budget_;
  Rest rest_;
  std::vector<std::size_t> waiting_, running_, decoding_, prompts_;  // in line
  Plan plan_;
};

}  // namespace

bool stands_before(const Standing& a, const Standing& b, std::int64_t patience) {
  const std::int64_t level_a = level(a, patience);
  const std::int64_t level_b = level(b, patience);
  return level_a != level_b ? level_a < level_b : a.arrival < b.arrival;
}

std::int64_t pages_for(const Standing& request, std::int64_t rows, std::int64_t page_positions) {
  if (rows <= 0) return 0;
  const auto pages = [&](std::int64_t length) { return (length + page_positions - 1) / page_positions; };
  return request.first_row_pages + pages(request.held + rows) - pages(request.held + 1);
}

Plan plan(std::span<const Standing> requests, const Budget& budget) {
  return Planner(requests, budget).make();
}

}  // namespace nestor::schedule
