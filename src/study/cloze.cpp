#include "study/cloze.h"

#include <algorithm>
#include <array>
#include <sstream>

#include "base/json.h"
#include "base/random.h"

namespace nestor::study {
namespace {

constexpr std::size_t kContextWords = 24, kWords = 6, kChoices = 4;

struct Passage {
  std::string context, end;
};

std::string joined(const std::vector<std::string>& words, std::size_t first, std::size_t count) {
  std::string text;
  for (std::size_t i = first; i < first + count; ++i) text += (i > first ? " " : "") + words[i];
  return text;
}

// Side by side, without the first words of a document, which are titles.
std::vector<Passage> passages_of(const std::string& document) {
  std::istringstream text(document);
  std::vector<std::string> words;
  for (std::string word; text >> word;) words.push_back(word);
  std::vector<Passage> passages;
  constexpr std::size_t kLength = kContextWords + kWords;
  for (std::size_t first = kContextWords; first + kLength <= words.size(); first += kLength)
    passages.push_back({joined(words, first, kContextWords), joined(words, first + kContextWords, kWords)});
  return passages;
}

}  // namespace

std::string cloze_lines(const std::vector<std::string>& documents, std::int64_t questions) {
  std::vector<Passage> all;
  for (const std::string& document : documents) {
    for (Passage& passage : passages_of(document)) all.push_back(std::move(passage));
  }
  if (all.size() < kChoices) return "";
  const auto count = std::min(static_cast<std::size_t>(questions), all.size());
  std::string lines;
  for (std::size_t q = 0; q < count; ++q) {
    const std::size_t at = q * all.size() / count;
    // The others lie a quarter, a half and three quarters of the text away.
    std::array<std::string, kChoices> choices;
    const std::size_t answer = philox(1, q, 0)[0] % kChoices;
    for (std::size_t c = 0; c < kChoices; ++c)
      choices[(answer + c) % kChoices] = all[(at + c * all.size() / kChoices) % all.size()].end;
    lines += to_text(Json{{"question", all[at].context}, {"choices", choices}, {"answer", answer}}) + "\n";
  }
  return lines;
}

}  // namespace nestor::study
