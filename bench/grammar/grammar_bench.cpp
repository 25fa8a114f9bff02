// What a mask costs: grammar_bench [TOKENIZER.json]. One sequence after the other is held to a schema, each
// token a random allowed one; the first sequence of a grammar finds out about it, the later ones know.
// Without a tokenizer, a made-up vocabulary of 131,072 tokens. The last line is one JSON object.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <set>

#include "base/json.h"
#include "grammar/grammar.h"
#include "grammar/grammar_constraint.h"

namespace {

using namespace nestor;
using namespace nestor::grammar;
using Clock = std::chrono::steady_clock;

constexpr TokenId kStop = 0;

// Bytes, words of letters with and without a blank before them, runs of punctuation and of white space,
// characters of other scripts: about the shares of a large vocabulary.
std::shared_ptr<const Vocabulary> made_up_vocabulary() {
  std::mt19937 random(1);
  std::set<std::string> words;
  for (int byte = 0; byte < 256; ++byte) words.insert(std::string(1, static_cast<char>(byte)));
  while (words.size() < 131'071) {
    std::string word;
    const unsigned kind = random() % 20;
    const unsigned length = 1 + random() % 5 + random() % 6;
    for (unsigned i = 0; i < length; ++i) {
      if (kind < 13) {
        word += static_cast<char>('a' + random() % 26);
      } else if (kind < 15) {
        word += "{}[]\":,.;()'/\\-_=<>*#+"[random() % 22];
      } else if (kind == 15) {
        word += " \n\t"[random() % 3];
      } else {
        const unsigned c = 0x4E00 + random() % 0x5000;
        word += static_cast<char>(0xE0 | c >> 12);
        word += static_cast<char>(0x80 | (c >> 6 & 0x3F));
        word += static_cast<char>(0x80 | (c & 0x3F));
        if (i == 2) break;
      }
    }
    if (kind < 8) word.insert(0, " ");
    words.insert(word);
  }
  std::vector<Vocabulary::Entry> tokens;
  TokenId id = 1;
  for (const std::string& word : words) tokens.push_back({id++, word});
  const std::vector<TokenId> stop = {kStop};
  return std::make_shared<const Vocabulary>(tokens, std::vector<Vocabulary::Entry>{}, stop);
}

struct Times {
  std::vector<double> allowed, accept;  // microseconds
};

void run_one(const std::shared_ptr<const Grammar>& grammar,
             const std::shared_ptr<const Vocabulary>& vocabulary, std::mt19937& random, Times& times) {
  GrammarConstraint constraint(grammar, vocabulary);
  std::vector<std::uint64_t> mask((static_cast<std::size_t>(vocabulary->id_limit()) + 63) / 64);
  const auto seconds = [](auto from, auto to) {
    return std::chrono::duration<double, std::micro>(to - from).count();
  };
  for (int step = 0; step < 200; ++step) {
    std::fill(mask.begin(), mask.end(), 0);
    const auto begin = Clock::now();
    constraint.allowed(mask);
    const auto middle = Clock::now();
    std::vector<TokenId> ids;
    for (std::size_t word = 0; word < mask.size(); ++word) {
      for (std::uint64_t bits = mask[word]; bits != 0; bits &= bits - 1) {
        ids.push_back(static_cast<TokenId>(word * 64 + static_cast<std::size_t>(__builtin_ctzll(bits))));
      }
    }
    TokenId id = ids[random() % ids.size()];
    // Random strings would never end: now and then the shortest token that leaves them.
    for (const TokenId other : ids) {
      if (ids.size() > 1'000 && random() % 8 == 0 && vocabulary->bytes_of(other) == "\"") id = other;
    }
    const auto before = Clock::now();
    constraint.accept(id);
    times.accept.push_back(seconds(before, Clock::now()));
    times.allowed.push_back(seconds(begin, middle));
    if (vocabulary->is_stop(id)) return;
  }
}

Json summary(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  double sum = 0;
  for (const double v : values) sum += v;
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
  };
  return {{"mean_us", sum / static_cast<double>(values.size())},
          {"median_us", at(0.5)},
          {"p99_us", at(0.99)},
          {"max_us", values.back()}};
}

}  // namespace

int main(int argc, char** argv) {
  std::shared_ptr<const Vocabulary> vocabulary;
  if (argc > 1) {
    const auto tokenizer = tokenizer::Tokenizer::load(argv[1]);
    const std::vector<TokenId> stop = {tokenizer.id_of("</longcat_s>").value_or(0)};
    vocabulary = std::make_shared<const Vocabulary>(tokenizer, stop);
  } else {
    vocabulary = made_up_vocabulary();
  }
  const Json schema = parse_json(R"({"type": "object", "properties": {
      "name": {"type": "string"}, "age": {"type": "integer", "minimum": 0, "maximum": 150},
      "email": {"type": "string", "format": "email"}, "bio": {"type": "string", "maxLength": 200},
      "kind": {"enum": ["person", "company", "other"]}, "tags": {"type": "array", "items": {"type": "string"}},
      "parent": {"anyOf": [{"type": "null"}, {"$ref": "#"}]}}, "required": ["name", "age", "kind", "parent"]})",
                                 "schema");
  std::mt19937 random(2);
  const auto begin = Clock::now();
  auto grammar = Grammar::from_json_schema(schema);
  const double compile_us = std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
  Times first, later;
  for (int i = 0; i < 5; ++i) run_one(Grammar::from_json_schema(schema), vocabulary, random, first);
  for (int i = 0; i < 30; ++i) run_one(grammar, vocabulary, random, i < 10 ? first : later);
  const Json line = {{"bench", "grammar"},
                     {"vocabulary", vocabulary->id_limit()},
                     {"compile_us", compile_us},
                     {"allowed_first", summary(first.allowed)},
                     {"allowed_later", summary(later.allowed)},
                     {"accept", summary(later.accept)}};
  fmt::print("{}\n", to_text(line));
  return 0;
}
