#include "chat/stop_strings.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "base/error.h"

namespace nestor::chat {
namespace {

struct Outcome {
  std::string text;
  bool stopped = false;
  bool operator==(const Outcome&) const = default;
};

// The definition: the first end of any stop string; of those that end there, the longest.
Outcome by_definition(const std::string& text, const std::vector<std::string>& stops) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    std::size_t longest = 0;
    for (const std::string& stop : stops) {
      if (std::string_view(text).substr(0, end).ends_with(stop)) longest = std::max(longest, stop.size());
    }
    if (longest > 0) return {text.substr(0, end - longest), true};
  }
  return {text, false};
}

TEST(StopStrings, EqualTheDefinitionForRandomPieces) {
  std::mt19937 random(7);
  const auto below = [&](unsigned n) { return random() % n; };
  const auto word = [&](std::size_t length) {
    std::string out;
    for (std::size_t i = 0; i < length; ++i) out += static_cast<char>('a' + below(2));
    return out;
  };
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::string> stops;
    for (unsigned i = below(4); i > 0; --i) stops.push_back(word(1 + below(6)));
    const std::string text = word(below(30));
    StopStrings watch(stops);
    Outcome got;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t length = below(5);
      const auto released = watch.push(std::string_view(text).substr(at, length));
      got.text += released.text;
      got.stopped = released.stopped;
      at += length;
    }
    got.text += watch.finish();
    ASSERT_EQ(got, by_definition(text, stops)) << text;
  }
}

TEST(StopStrings, HoldsBackOnlyWhatCouldStop) {
  StopStrings watch({"</s>", "END"});
  EXPECT_EQ(watch.push("abc<").text, "abc");
  EXPECT_EQ(watch.push("/").text, "");
  EXPECT_EQ(watch.push("x").text, "</x");
  EXPECT_EQ(watch.push("EN").text, "");
  EXPECT_EQ(watch.finish(), "EN");
}

TEST(StopStrings, NothingComesAfterAStop) {
  StopStrings watch({"STOP"});
  const auto released = watch.push("a STOP b");
  EXPECT_TRUE(released.stopped);
  EXPECT_EQ(released.text, "a ");
  EXPECT_EQ(watch.push("more").text, "");
  EXPECT_EQ(watch.finish(), "");
}

TEST(StopStrings, RefusesBadLists) {
  EXPECT_THROW(StopStrings({"a", ""}), Error);
  EXPECT_THROW(StopStrings({std::string(StopStrings::kMaxBytes + 1, 'a')}), Error);
}

TEST(StopStrings, LinearForAdversarialText) {
  StopStrings watch({std::string(60'000, 'a') + "b"});
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 1'000'000; ++i) watch.push("a");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
}

}  // namespace
}  // namespace nestor::chat
