#include "study/cloze.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "base/json.h"

namespace nestor::study {
namespace {

// Words "d3w17": the 17th of the third document.
std::string document(int number, int words) {
  std::string text;
  for (int w = 0; w < words; ++w) text += fmt::format("{}d{}w{}", w % 7 == 6 ? "\n" : " ", number, w);
  return text;
}

std::vector<Json> lines_of(const std::string& text) {
  std::vector<Json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(parse_json(line, "cloze"));
  return lines;
}

TEST(Cloze, TheAnswerGoesOnAndTheOthersDoNot) {
  const std::string text = cloze_lines({document(1, 400), document(2, 30), document(3, 400)}, 12);
  EXPECT_EQ(text, cloze_lines({document(1, 400), document(2, 30), document(3, 400)}, 12));
  const auto lines = lines_of(text);
  ASSERT_EQ(lines.size(), 12U);
  std::set<int> places;
  for (const Json& line : lines) {
    const std::string question = line["question"], last = question.substr(question.rfind('w') + 1);
    const std::string document = question.substr(0, question.find('w'));
    const int answer = line["answer"];
    places.insert(answer);
    ASSERT_EQ(line["choices"].size(), 4U);
    for (int c = 0; c < 4; ++c) {
      const std::string choice = line["choices"][static_cast<std::size_t>(c)];
      const bool goes_on = choice.starts_with(fmt::format("{}w{} ", document, std::stoi(last) + 1));
      EXPECT_EQ(goes_on, c == answer) << question << " | " << choice;
    }
  }
  EXPECT_GE(places.size(), 3U);
}

TEST(Cloze, TakesWhatThereIs) {
  EXPECT_EQ(lines_of(cloze_lines({document(1, 24 + 30 * 5)}, 100)).size(), 5U);
  EXPECT_EQ(cloze_lines({document(1, 24 + 30 * 3)}, 100), "");
  EXPECT_EQ(cloze_lines({}, 100), "");
  EXPECT_EQ(cloze_lines({document(1, 4000)}, 0), "");
}

}  // namespace
}  // namespace nestor::study
