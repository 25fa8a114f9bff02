#include <gtest/gtest.h>

#include "eval/tasks.h"
#include "support/refusal.h"

namespace nestor::eval {
namespace {

TEST(TaskFiles, MultipleChoice) {
  const auto tasks = parse_multiple_choice(
      "{\"question\": \"The sky is\", \"choices\": [\"blue\", \"green\"], \"answer\": 1}\r\n"
      "\n  \n{\"answer\": \"b\", \"question\": \"q\", \"choices\": [\"a\", \"b\", \"c\"]}",
      "quiz.jsonl");
  ASSERT_EQ(tasks.size(), 2u);
  EXPECT_EQ(tasks[0].question, "The sky is");
  EXPECT_EQ(tasks[0].choices, (std::vector<std::string>{"blue", "green"}));
  EXPECT_EQ(tasks[0].answer, 1u);
  EXPECT_EQ(tasks[1].answer, 1u);
}

TEST(TaskFiles, AnswersMayBeLettersAndLinesMayHoldMore) {
  const auto tasks = parse_multiple_choice(
      R"({"question": "q", "choices": ["x", "y", "z"], "answer": "C", "subject": "s", "id": 3})"
      "\n"
      R"({"question": "q", "choices": ["x", "y"], "answer": "b"})"
      "\n"
      R"({"question": "q", "choices": ["B", "A"], "answer": "A"})",
      "f");
  ASSERT_EQ(tasks.size(), 3u);
  EXPECT_EQ(tasks[0].answer, 2u);
  EXPECT_EQ(tasks[1].answer, 1u);
  EXPECT_EQ(tasks[2].answer, 1u);  // a choice goes before a letter
  EXPECT_EQ(parse_generation(R"({"question": "q", "answer": "x", "level": 2})", "f").size(), 1u);
  for (const char* answer : {"\"C\"", "\"\"", "\"AB\"", "\"1\""}) {
    EXPECT_REFUSED(
        parse_multiple_choice(
            fmt::format(R"({{"question": "q", "choices": ["x", "y"], "answer": {}}})", answer), "f"),
        ErrorKind::bad_input, "or its letter");
  }
}

TEST(TaskFiles, Generation) {
  const auto tasks = parse_generation(
      "{\"question\": \"q\", \"answer\": \"x\"}\n{\"question\": \"\", \"answer\": [\"a\", \"b\"]}\n", "f");
  ASSERT_EQ(tasks.size(), 2u);
  EXPECT_EQ(tasks[0].answers, std::vector<std::string>{"x"});
  EXPECT_EQ(tasks[1].answers, (std::vector<std::string>{"a", "b"}));
}

TEST(TaskFiles, EveryMistakeHasItsLine) {
  const auto choice = [](const char* text) { return parse_multiple_choice(text, "quiz.jsonl"); };
  EXPECT_REFUSED(choice(""), ErrorKind::bad_input, "found none");
  EXPECT_REFUSED(choice("\n{"), ErrorKind::bad_input, "quiz.jsonl, line 2");
  EXPECT_REFUSED(choice("[]"), ErrorKind::bad_input, "expected an object");
  EXPECT_REFUSED(choice(R"({"question": "q", "choices": ["a"]})"), ErrorKind::bad_input,
                 "\"answer\" is missing");
  EXPECT_REFUSED(choice(R"({"question": 1, "choices": ["a"], "answer": 0})"), ErrorKind::bad_input,
                 "a string");
  EXPECT_REFUSED(choice(R"({"question": "q", "choices": [], "answer": 0})"), ErrorKind::bad_input,
                 "not empty");
  EXPECT_REFUSED(choice(R"({"question": "q", "choices": ["a", 2], "answer": 0})"), ErrorKind::bad_input,
                 "strings");
  EXPECT_REFUSED(choice(R"({"question": "q", "choices": ["a", "b"], "answer": 2})"), ErrorKind::bad_input,
                 "0 to 1");
  EXPECT_REFUSED(choice(R"({"question": "q", "choices": ["a", "b"], "answer": -1})"), ErrorKind::bad_input,
                 "0 to 1");
  EXPECT_REFUSED(choice(R"({"question": "q", "choices": ["a", "b"], "answer": "d"})"), ErrorKind::bad_input,
                 "0 to 1");
  EXPECT_REFUSED(parse_generation(R"({"question": "q", "answer": []})", "f"), ErrorKind::bad_input,
                 "not empty");
  EXPECT_REFUSED(parse_generation(R"({"question": "q", "answer": 7})", "f"), ErrorKind::bad_input, "strings");
}

}  // namespace
}  // namespace nestor::eval
