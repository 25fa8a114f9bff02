#include "study/data.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "base/random.h"
#include "corpus/shards.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"

namespace nestor::study {
namespace {

namespace fs = std::filesystem;

// Of a small vocabulary with much to merge.
std::string word_of(std::uint32_t number) {
  constexpr const char* kParts[] = {"ba", "ru", "lo", "mi", "ten", "sha", "gor", "fel"};
  return std::string(kParts[number % 8]) + kParts[number / 8 % 8] + " ";
}

// Documents of made-up words, 600 bytes each.
std::string text(int documents) {
  std::string lines;
  for (int d = 0; d < documents; ++d) {
    std::string story;
    for (std::uint64_t w = 0; w < 120; ++w) story += word_of(philox(7, w, static_cast<std::uint64_t>(d))[0]);
    lines += to_text(Json{{"text", story}}) + "\n";
  }
  return lines;
}

struct Place {
  testing::ScratchFolder folder;
  fs::path books = folder.write("books.jsonl", text(200));
  fs::path data = folder.path() / "study" / "data";
  NoProgress progress = {};

  StudyData prepare(const TextSpec& spec) { return prepare_data(spec, books, data, progress, {}); }
};

TextSpec spec() {
  TextSpec s;
  s.vocab_size = 290;
  s.questions = 5;
  return s;
}

TEST(StudyData, IsMadeOnce) {
  Place place;
  const StudyData first = place.prepare(spec());
  const corpus::Shards train(first.corpus, corpus::Split::train),
      heldout(first.corpus, corpus::Split::heldout);
  EXPECT_EQ(train.documents() + heldout.documents(), 200);
  EXPECT_EQ(train.vocab_size(), 290);
  EXPECT_GT(fs::file_size(first.cloze), 0U);
  const auto before = fs::last_write_time(first.tokenizer / "tokenizer.json");
  fs::remove(place.books);  // not read again
  EXPECT_EQ(place.prepare(spec()).fingerprint, first.fingerprint);
  EXPECT_EQ(fs::last_write_time(first.tokenizer / "tokenizer.json"), before);
}

TEST(StudyData, TheSameTextGivesTheSameFingerprintAnywhere) {
  Place one, two;
  TextSpec other = spec();
  other.questions = 4;
  const std::string fingerprint = one.prepare(spec()).fingerprint;
  EXPECT_EQ(two.prepare(spec()).fingerprint, fingerprint);
  Place three;
  EXPECT_NE(three.prepare(other).fingerprint, fingerprint);
}

TEST(StudyData, OfLongTextsTakesDocumentsEvenly) {
  for (const std::int64_t bytes : {1, 5000, 20000, 1000000}) {
    Place place;
    TextSpec s = spec();
    s.bytes = bytes;
    s.vocab_size = 275;
    s.questions = 0;
    if (bytes == 1) {  // one document is left, and a corpus holds none out of one
      EXPECT_NO_THROW(place.prepare(s));
      continue;
    }
    const corpus::Shards train(place.prepare(s).corpus, corpus::Split::train);
    const std::int64_t read = train.manifest().train.text_bytes + train.manifest().heldout.text_bytes;
    EXPECT_LE(read, bytes);
    EXPECT_GE(2 * read, std::min<std::int64_t>(bytes, 90000) - 1400);
  }
}

// What a killed process or a broken disk leaves.
TEST(StudyData, WhatIsDamagedIsMadeAgain) {
  Place place;
  const std::string fingerprint = place.prepare(spec()).fingerprint;
  const std::vector<std::function<void()>> damages = {
      [&] { fs::remove(place.data / "data.json"); },
      [&] { write_file(place.data / "data.json", "{\"text\""); },
      [&] {
        write_file(place.data / "data.json", "{\"text\": {}, \"fingerprint\": \"x\", \"checksum\": 5}");
      },
      [&] { fs::remove_all(place.data / "corpus"); },
      [&] { write_file(place.data / "corpus/corpus.json", "{"); },
      [&] { fs::remove(place.data / "cloze.jsonl"); },
      [&] { fs::remove_all(place.data / "tokenizer"); }};
  for (std::size_t i = 0; i < damages.size(); ++i) {
    damages[i]();
    EXPECT_EQ(place.prepare(spec()).fingerprint, fingerprint) << i;
  }
}

TEST(StudyData, OfAnotherGridIsRefused) {
  Place place;
  place.prepare(spec());
  TextSpec other = spec();
  other.vocab_size = 291;
  EXPECT_REFUSED(place.prepare(other), ErrorKind::usage, "another grid");
}

TEST(StudyData, AStopEndsIt) {
  Place place;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_REFUSED(prepare_data(spec(), place.books, place.data, place.progress, stop.get_token()),
                 ErrorKind::cancelled, "stopped while reading");
  EXPECT_FALSE(place.prepare(spec()).fingerprint.empty());
}

}  // namespace
}  // namespace nestor::study
