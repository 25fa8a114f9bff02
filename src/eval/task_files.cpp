#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "eval/tasks.h"

namespace nestor::eval {
namespace {

// One line of a task file, and where it stands.
class Record {
 public:
  Record(std::string_view line, std::string place)
      : place_(std::move(place)), json_(parse_json(line, place_)) {
    if (!json_.is_object())
      fail(ErrorKind::bad_input, "{}: expected an object, found {}", place_, kind_of(json_));
  }

  const Json& at(const char* key) const {
    const auto found = json_.find(key);
    if (found == json_.end()) fail(ErrorKind::bad_input, "{}: the key \"{}\" is missing", place_, key);
    return *found;
  }

  std::string text(const char* key) const {
    const Json& value = at(key);
    if (!value.is_string()) wrong(key, "a string", value);
    return value.get<std::string>();
  }

  std::vector<std::string> texts(const char* key) const {
    const Json& value = at(key);
    const bool strings =
        value.is_array() && std::ranges::all_of(value, [](const Json& v) { return v.is_string(); });
    if (!strings || value.empty()) wrong(key, "a list of strings, not empty", value);
    return value.get<std::vector<std::string>>();
  }

  [[noreturn]] void wrong(const char* key, std::string_view expected, const Json& found) const {
    fail(ErrorKind::bad_input, "{}: \"{}\": expected {}, found {}", place_, key, expected,
         in_quotes(to_text(found), 60));
  }

 private:
  std::string place_;
  Json json_;
};

template <typename Task, typename Parse>
std::vector<Task> parse_lines(std::string_view jsonl, std::string_view what, const Parse& parse) {
  std::vector<Task> tasks;
  std::int64_t number = 0;
  while (!jsonl.empty()) {
    const std::size_t end = jsonl.find('\n');
    const std::string_view line = jsonl.substr(0, end);
    jsonl.remove_prefix(end == std::string_view::npos ? jsonl.size() : end + 1);
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    tasks.push_back(parse(line, fmt::format("{}, line {}", what, number)));
  }
  if (tasks.empty()) fail(ErrorKind::bad_input, "{}: expected one JSON object a line, found none", what);
  return tasks;
}

// "A" is 0; anything but one letter is beyond all choices.
std::size_t letter_of(const std::string& text) {
  if (text.size() != 1) return SIZE_MAX;
  const char c = text.front();
  if (c >= 'A' && c <= 'Z') return static_cast<std::size_t>(c - 'A');
  return c >= 'a' && c <= 'z' ? static_cast<std::size_t>(c - 'a') : SIZE_MAX;
}

std::size_t answer_of(const Record& record, const std::vector<std::string>& choices) {
  const Json& answer = record.at("answer");
  const auto count = choices.size();
  if (answer.is_number_unsigned() && answer.get<std::uint64_t>() < count) return answer.get<std::size_t>();
  if (answer.is_string()) {
    const auto found = std::ranges::find(choices, answer.get<std::string>());
    if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
    if (const auto letter = letter_of(answer.get_ref<const std::string&>()); letter < count) return letter;
  }
  record.wrong("answer", fmt::format("an index from 0 to {}, one of the choices or its letter", count - 1),
               answer);
}

}  // namespace

std::vector<MultipleChoice> parse_multiple_choice(std::string_view jsonl, std::string_view what) {
  return parse_lines<MultipleChoice>(jsonl, what, [](std::string_view line, std::string place) {
    const Record record(line, std::move(place));
    MultipleChoice task;
    task.question = record.text("question");
    task.choices = record.texts("choices");
    task.answer = answer_of(record, task.choices);
    return task;
  });
}

std::vector<Generation> parse_generation(std::string_view jsonl, std::string_view what) {
  return parse_lines<Generation>(jsonl, what, [](std::string_view line, std::string place) {
    const Record record(line, std::move(place));
    Generation task;
    task.question = record.text("question");
    if (record.at("answer").is_string()) {
      task.answers = {record.text("answer")};
    } else {
      task.answers = record.texts("answer");
    }
    return task;
  });
}

}  // namespace nestor::eval
