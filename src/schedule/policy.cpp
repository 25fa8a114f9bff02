#include "schedule/policy.h"

#include <algorithm>
#include <numeric>

namespace nestor::schedule {
namespace {

std::int64_t level(const Standing& s, std::int64_t patience) { return s.priority - s.waited / patience; }

bool runs(const Standing& s) { return s.phase == Phase::prefill || s.phase == Phase::decode; }

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

/// The steps below, in this order.
const Plan& Planner::plan(std::span<const Standing> requests, const Budget& budget) {
  requests_ = requests;
  budget_ = budget;
  given_.assign(requests.size(), 0);
  plan_.admitted.clear();
  plan_.shares.clear();
  plan_.short_of_pages = false;
  plan_.preempted.reset();
  stand_in_line();

  for (const std::size_t i : decoding_) give(i, 1);
  admit();
  share_among_prompts();
  for (const std::size_t i : decoding_) {
    if (given_[i] > 0) give(i, requests_[i].wants);
  }
  find_stranded();
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    if (given_[i] > 0) plan_.shares.push_back({i, given_[i]});
  }
  return plan_;
}

void Planner::stand_in_line() {
  for (auto* list : {&waiting_, &running_, &decoding_, &prompts_}) list->clear();
  line_.resize(requests_.size());
  std::iota(line_.begin(), line_.end(), std::size_t{0});
  std::ranges::sort(line_, [&](std::size_t a, std::size_t b) {
    return stands_before(requests_[a], requests_[b], budget_.patience);
  });
  for (const std::size_t i : line_) {
    if (!runs(requests_[i])) {
      waiting_.push_back(i);
      continue;
    }
    running_.push_back(i);
    (requests_[i].phase == Phase::decode ? decoding_ : prompts_).push_back(i);
  }
}

/// Gives request i at most `most` rows more: as many as it wants and as there are rows and pages for.
void Planner::give(std::size_t i, std::int64_t most) {
  most = std::min({most, requests_[i].wants - given_[i], budget_.rows});
  const std::int64_t rows = std::min(most, rows_within_pages(i));
  if (rows <= 0) return;
  budget_.free_pages -= pages_of(i, given_[i] + rows) - pages_of(i, given_[i]);
  budget_.rows -= rows;
  given_[i] += rows;
}

std::int64_t Planner::pages_of(std::size_t i, std::int64_t rows) const {
  return pages_for(requests_[i], rows, budget_.page_positions);
}

/// Rows that request i can have more with the pages that are left.
std::int64_t Planner::rows_within_pages(std::size_t i) const {
  std::int64_t pages = budget_.free_pages;
  std::int64_t sure = 0;  // the first row, whose pages are counted apart
  if (given_[i] == 0) {
    pages -= requests_[i].first_row_pages;
    if (pages < 0) return 0;
    sure = 1;
  }
  const std::int64_t length = requests_[i].held + given_[i] + sure;
  const std::int64_t in_last_page =
      (budget_.page_positions - length % budget_.page_positions) % budget_.page_positions;
  return sure + in_last_page + pages * budget_.page_positions;
}

void Planner::admit() {
  std::int64_t places = budget_.running - std::ssize(running_);
  // Everyone who runs keeps a page in reserve, to generate into.
  std::int64_t pages = budget_.free_pages;
  for (const std::size_t i : running_) pages -= pages_missing(i) + 1;
  for (const std::size_t i : waiting_) {
    if (places <= 0) return preempt_for(i);
    --places;  // also of who follows: it keeps its place
    if (requests_[i].phase == Phase::following) continue;
    const std::int64_t needed = pages_of(i, requests_[i].wants);
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
std::int64_t Planner::pages_missing(std::size_t i) const {
  return pages_of(i, requests_[i].wants) - pages_of(i, given_[i]);
}

void Planner::preempt_for(std::size_t waiting) {
  if (running_.empty() || requests_[waiting].phase == Phase::following) return;
  const Standing& first = requests_[waiting];
  const Standing& last = requests_[running_.back()];
  const bool outranked = level(first, budget_.patience) < level(last, budget_.patience);
  if (first.priority < last.priority && outranked) plan_.preempted = running_.back();
}

void Planner::share_among_prompts() {
  std::ranges::sort(prompts_, [&](std::size_t a, std::size_t b) {
    return stands_before(requests_[a], requests_[b], budget_.patience);
  });
  for (const std::size_t i : prompts_) {
    give(i, std::min(budget_.chunk, std::max<std::int64_t>(1, budget_.rows / 2)));
  }
  for (const std::size_t i : prompts_) give(i, budget_.chunk - given_[i]);
}

/// A running request without a row had no pages: rows there are for everyone, as long as budget.rows are more
/// than budget.running.
void Planner::find_stranded() {
  const auto stranded = [&](std::size_t i) { return given_[i] == 0 && budget_.rows > 0; };
  if (std::ranges::none_of(running_, stranded)) return;
  plan_.short_of_pages = true;
  plan_.preempted = running_.back();
}

}  // namespace nestor::schedule
