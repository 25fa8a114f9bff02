#include "schedule/policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "dice.h"

namespace nestor::schedule {
namespace {

using Rows = std::map<std::size_t, std::int64_t>;
using Places = std::vector<std::size_t>;

Plan plan(std::span<const Standing> requests, const Budget& budget) {
  static Planner planner;  // of all tests: what it planned before must not matter
  return planner.plan(requests, budget);
}

Rows rows_of(const Plan& plan) {
  Rows rows;
  for (const Plan::Share& share : plan.shares) {
    EXPECT_TRUE(rows.emplace(share.request, share.rows).second) << "two shares for " << share.request;
    EXPECT_GT(share.rows, 0);
  }
  return rows;
}

/// Requests that arrive in the order in which they are listed.
std::vector<Standing> in_order(std::vector<Standing> requests) {
  for (std::size_t i = 0; i < requests.size(); ++i) requests[i].arrival = i;
  return requests;
}

Standing generating(std::int64_t held, std::int64_t wants = 1) {
  return {.phase = Phase::decode, .held = held, .wants = wants};
}
Standing prompt(std::int64_t wants, std::int64_t held = 0) {
  return {.phase = Phase::prefill, .held = held, .wants = wants};
}
Standing waiting(std::int64_t wants, int priority = 0) { return {.priority = priority, .wants = wants}; }

TEST(Policy, NothingToDo) {
  const Plan p = plan({}, {});
  EXPECT_TRUE(p.shares.empty() && p.admitted.empty() && !p.preempted && !p.short_of_pages);
}

TEST(Policy, WhoGeneratesComesBeforePrompts) {
  const auto requests = in_order({prompt(100), generating(7), prompt(100), generating(9)});
  const Plan p = plan(requests, {.rows = 10, .chunk = 10, .running = 4});
  EXPECT_EQ(rows_of(p), (Rows{{0, 6}, {1, 1}, {2, 2}, {3, 1}}));  // 8 left: half, half of the rest, the rest
}

TEST(Policy, PromptsComeInChunks) {
  const auto requests = in_order({prompt(100), prompt(3)});
  EXPECT_EQ(rows_of(plan(requests, {.rows = 64, .chunk = 16, .running = 4})), (Rows{{0, 16}, {1, 3}}));
  EXPECT_EQ(rows_of(plan(in_order({prompt(100)}), {.rows = 64, .chunk = 64, .running = 4})), (Rows{{0, 64}}));
}

TEST(Policy, ALongPromptDoesNotHoldUpShortOnesBehindIt) {
  const auto requests = in_order({prompt(30000), prompt(20), prompt(30000)});
  EXPECT_EQ(rows_of(plan(requests, {.rows = 256, .chunk = 256, .running = 4})),
            (Rows{{0, 182}, {1, 20}, {2, 54}}));  // 128, 20, 54 of 108, and the other 54 to the first
}

TEST(Policy, DraftsTakeWhatPromptsLeave) {
  const auto drafting = in_order({generating(7, 5), generating(7, 3)});
  EXPECT_EQ(rows_of(plan(drafting, {.rows = 16, .running = 4})), (Rows{{0, 5}, {1, 3}}));
  EXPECT_EQ(rows_of(plan(drafting, {.rows = 5, .running = 4})), (Rows{{0, 4}, {1, 1}}));
  const auto beside = in_order({generating(7, 5), prompt(6)});
  EXPECT_EQ(rows_of(plan(beside, {.rows = 10, .chunk = 10, .running = 4})), (Rows{{0, 4}, {1, 6}}));
  EXPECT_EQ(rows_of(plan(beside, {.rows = 5, .chunk = 10, .running = 4})), (Rows{{0, 1}, {1, 4}}));
}

TEST(Policy, AdmitsInLineWhileThereArePlaces) {
  const auto requests = in_order({waiting(5), waiting(5, -1), generating(3), waiting(5), waiting(5, 1)});
  const Plan p = plan(requests, {.rows = 100, .running = 3});
  EXPECT_EQ(p.admitted, (Places{1, 0}));
  EXPECT_EQ(rows_of(p), (Rows{{0, 5}, {1, 5}, {2, 1}}));  // who is admitted runs at once
  EXPECT_FALSE(p.preempted);
}

TEST(Policy, WaitingOutweighsPriority) {
  auto requests = in_order({waiting(5, 2), waiting(5, 0)});
  const Budget one_place{.rows = 100, .running = 1, .patience = 10};
  requests[0].waited = 19;
  EXPECT_EQ(plan(requests, one_place).admitted, Places{1});
  requests[0].waited = 20;
  EXPECT_EQ(plan(requests, one_place).admitted, Places{0});  // equal now, and earlier
}

TEST(Policy, AFollowerKeepsItsPlace) {
  auto requests = in_order({prompt(100), waiting(50), waiting(5), waiting(5)});
  requests[1].phase = Phase::following;
  const Plan p = plan(requests, {.rows = 100, .chunk = 20, .running = 3});
  EXPECT_EQ(p.admitted, Places{2});  // not 3: the third place is the follower's
  EXPECT_FALSE(rows_of(p).contains(1));
}

TEST(Policy, AdmitsWhatFitsBesideWhatOthersStillNeed) {
  // The first needs 2 pages more for its prompt and keeps 1 to generate into; the second needs 3.
  auto requests = in_order({prompt(8, 8), waiting(12)});
  requests[0].first_row_pages = requests[1].first_row_pages = 1;
  Budget budget{.rows = 100, .chunk = 4, .running = 3, .free_pages = 6, .page_positions = 4};
  EXPECT_EQ(plan(requests, budget).admitted, Places{1});
  EXPECT_FALSE(plan(requests, budget).short_of_pages);
  budget.free_pages = 5;
  EXPECT_TRUE(plan(requests, budget).admitted.empty());
  EXPECT_TRUE(plan(requests, budget).short_of_pages);
  requests[1].held = 4;  // a cached prefix of one page
  requests[1].wants = 8;
  EXPECT_EQ(plan(requests, budget).admitted, Places{1});
}

TEST(Policy, WhoIsAdmittedKeepsAPageToGenerateInto) {
  auto requests = in_order({waiting(8), waiting(8)});
  for (Standing& s : requests) s.first_row_pages = 1;
  Budget budget{.rows = 100, .running = 3, .free_pages = 5, .page_positions = 4};
  EXPECT_EQ(plan(requests, budget).admitted, (Places{0, 1}));
  budget.free_pages = 4;
  EXPECT_EQ(plan(requests, budget).admitted, Places{0});
}

TEST(Policy, NobodyOvertakesWhoDoesNotFit) {
  auto requests = in_order({generating(4), waiting(40), waiting(1)});
  for (Standing& s : requests) s.first_row_pages = 1;
  const Plan p = plan(requests, {.rows = 100, .running = 3, .free_pages = 8, .page_positions = 4});
  EXPECT_TRUE(p.admitted.empty());
  EXPECT_TRUE(p.short_of_pages);
  EXPECT_EQ(rows_of(p), (Rows{{0, 1}}));
}

TEST(Policy, AloneTheFirstMayFillAllPages) {
  auto requests = in_order({waiting(32)});
  requests[0].first_row_pages = 1;
  EXPECT_EQ(plan(requests, {.rows = 100, .running = 3, .free_pages = 8, .page_positions = 4}).admitted,
            Places{0});
}

TEST(Policy, RowsEndWherePagesDo) {
  auto requests = in_order({prompt(40, 6)});
  // Two rows more fit on the page that it has, eight on free ones.
  EXPECT_EQ(
      rows_of(plan(requests, {.rows = 64, .chunk = 64, .running = 4, .free_pages = 2, .page_positions = 4})),
      (Rows{{0, 10}}));
  requests[0].first_row_pages = 1;  // the page that it has is shared and must be copied
  EXPECT_EQ(
      rows_of(plan(requests, {.rows = 64, .chunk = 64, .running = 4, .free_pages = 2, .page_positions = 4})),
      (Rows{{0, 6}}));
}

TEST(Policy, WithoutAPageTheLastInLineIsPreempted) {
  auto requests = in_order({generating(8), generating(7), generating(5)});
  requests[0].first_row_pages = 1;
  const Budget none_free{.rows = 16, .running = 4, .free_pages = 0, .page_positions = 4};
  Plan p = plan(requests, none_free);
  EXPECT_TRUE(p.short_of_pages);
  EXPECT_EQ(p.preempted, 2U);
  requests[2].priority = -1;
  EXPECT_EQ(plan(requests, none_free).preempted, 1U);
  requests[1].waited = 1000;  // it has been preempted often enough
  EXPECT_EQ(plan(requests, none_free).preempted, 0U);
  requests[0].first_row_pages = 0;
  EXPECT_FALSE(plan(requests, none_free).preempted);
}

TEST(Policy, APlaceIsTakenOnlyFromAWorsePriority) {
  const Budget one_place{.rows = 16, .running = 1, .patience = 10};
  auto requests = in_order({generating(8), waiting(5, 0)});
  EXPECT_FALSE(plan(requests, one_place).preempted);
  requests[1].waited = 1000;  // waiting makes it the next, but takes nobody's place
  EXPECT_FALSE(plan(requests, one_place).preempted);
  requests[0].priority = 1;
  EXPECT_EQ(plan(requests, one_place).preempted, 0U);
  requests[1].waited = 0;
  requests[0].waited = 20;  // its waiting before protects who runs
  EXPECT_FALSE(plan(requests, one_place).preempted);
}

/// Plays the policy alone: requests that only count tokens, with pages that nobody shares.
struct Game {
  struct Player {
    Standing standing;
    std::int64_t length = 0;  // tokens to hold at the end
  };

  std::int64_t pages(std::int64_t tokens) const {
    return (tokens + budget.page_positions - 1) / budget.page_positions;
  }

  /// One forward. Returns how many ended.
  int step() {
    while (true) {
      std::vector<Standing> standings;
      budget.free_pages = all_pages;
      for (Player& p : players) {
        p.standing.first_row_pages = p.standing.held % budget.page_positions == 0 ? 1 : 0;
        budget.free_pages -= pages(p.standing.held);
        standings.push_back(p.standing);
      }
      EXPECT_GE(budget.free_pages, 0);
      const Plan next = plan(standings, budget);
      if (next.preempted) {
        Standing& victim = players.at(*next.preempted).standing;
        EXPECT_NE(victim.phase, Phase::waiting);
        victim.phase = Phase::waiting;
        victim.wants += victim.held;
        victim.held = 0;
        ++preemptions;
        continue;
      }
      return advance(next);
    }
  }

  int advance(const Plan& next) {
    for (const std::size_t i : next.admitted) {
      EXPECT_EQ(players.at(i).standing.phase, Phase::waiting);
      players[i].standing.phase = Phase::prefill;
    }
    std::int64_t rows = 0;
    for (const Plan::Share& share : next.shares) {
      Standing& s = players.at(share.request).standing;
      EXPECT_NE(s.phase, Phase::waiting);
      EXPECT_LE(share.rows, s.wants);
      EXPECT_TRUE(s.phase == Phase::decode || share.rows <= budget.chunk);
      s.held += share.rows;
      s.wants -= share.rows;
      rows += share.rows;
      if (s.wants == 0) s = next_token(s);
    }
    EXPECT_GT(rows, 0) << "nothing goes on";
    EXPECT_LE(rows, budget.rows);
    std::int64_t running = 0;
    for (Player& p : players) {
      if (p.standing.phase == Phase::waiting) ++p.standing.waited;
      if (p.standing.phase != Phase::waiting) ++running;
    }
    EXPECT_LE(running, budget.running);
    return static_cast<int>(
        std::erase_if(players, [](const Player& p) { return p.standing.held >= p.length; }));
  }

  static Standing next_token(Standing s) {
    s.phase = Phase::decode;
    s.wants = 1;
    return s;
  }

  Budget budget;
  std::int64_t all_pages = 0;
  std::vector<Player> players;
  int preemptions = 0;
};

TEST(Policy, EveryRequestEndsInEveryMixture) {
  int preemptions = 0;
  for (std::uint64_t key = 0; key < 500; ++key) {
    Dice dice(key);
    Game game;
    game.budget.running = dice.roll(1, 6);
    game.budget.rows = game.budget.running + dice.roll(1, 20);
    game.budget.chunk = dice.roll(1, 20);
    game.budget.patience = dice.roll(1, 30);
    game.budget.page_positions = dice.roll(1, 8);
    game.all_pages = dice.roll(1, 20);
    const std::int64_t longest = game.all_pages * game.budget.page_positions;
    const std::int64_t count = dice.roll(1, 12);
    std::int64_t ended = 0;
    for (std::int64_t step = 0, arrived = 0; ended < count; ++step) {
      ASSERT_LT(step, 20000) << "key " << key;
      for (; arrived < count && dice.one_in(3); ++arrived) {
        const std::int64_t length = dice.roll(1, longest);
        const std::int64_t wants = dice.roll(1, length);
        game.players.push_back({.standing = {.priority = static_cast<int>(dice.roll(-2, 2)),
                                             .arrival = static_cast<std::uint64_t>(arrived),
                                             .wants = wants},
                                .length = length});
      }
      if (!game.players.empty()) ended += game.step();
    }
    preemptions += game.preemptions;
  }
  EXPECT_GT(preemptions, 500);  // the mixtures are tight
}

TEST(Policy, NothingStarvesBehindAStreamOfBetterOnes) {
  Game game;
  game.budget = {.rows = 8, .chunk = 8, .running = 2, .patience = 10, .page_positions = 4};
  game.all_pages = 100;
  game.players.push_back({.standing = {.priority = 3, .arrival = 0, .wants = 20}, .length = 30});
  std::uint64_t arrival = 1;
  int steps = 0;
  for (; game.players.front().standing.arrival == 0; ++steps) {
    ASSERT_LT(steps, 200);
    while (game.players.size() < 6) {  // there is always a better one waiting
      game.players.push_back({.standing = {.priority = 0, .arrival = arrival++, .wants = 5}, .length = 15});
    }
    game.step();
  }
  EXPECT_GT(steps, 30);  // it did wait for its 3 steps of priority
}

TEST(Policy, EqualsFinishInTheirOrder) {
  Game game;
  game.budget = {.rows = 9, .chunk = 8, .running = 4, .page_positions = 4};
  game.all_pages = 100;
  for (std::uint64_t i = 0; i < 12; ++i) {
    game.players.push_back({.standing = {.arrival = i, .wants = 20}, .length = 30});
  }
  std::uint64_t next = 0;  // the first that has not ended is always the earliest
  while (!game.players.empty()) {
    EXPECT_EQ(game.players.front().standing.arrival, next);
    next += static_cast<std::uint64_t>(game.step());
  }
}

}  // namespace
}  // namespace nestor::schedule
