// Packing from files to shards, read back and decoded.
#include "corpus/pack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/file.h"
#include "packed_text.h"
#include "support/paths.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"
#include "support/silent_progress.h"

namespace nestor::testing {
namespace {

namespace fs = std::filesystem;
using corpus::Manifest;
using corpus::PackOptions;
using corpus::Split;
using Texts = std::vector<std::string>;

class Pack : public ::testing::Test {
 protected:
  Manifest pack(const Texts& sources, const PackOptions& options = {}, const std::stop_token& stop = {}) {
    fs::remove_all(out());
    return corpus::pack(sources, small_tokenizer(), options, out(), progress_, stop);
  }
  std::string write(const std::string& name, std::string_view bytes) {
    return scratch_.write(name, bytes).string();
  }
  std::string write_lines(const std::string& name, const Texts& texts) {
    std::string lines;
    for (const std::string& text : texts)
      lines += to_text(Json{{"text", text}, {"title", text.substr(0, 1)}}) + "\n";
    return write(name, lines);
  }
  fs::path out() const { return scratch_.path() / "out" / "corpus"; }
  Texts train() const { return texts_of(out(), Split::train); }
  Texts heldout() const { return texts_of(out(), Split::heldout); }

  // What lies beside the corpus: unfinished folders.
  std::vector<std::string> leftovers() const {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(out().parent_path(), error))
      names.push_back(entry.path().filename());
    return names;
  }

  ScratchFolder scratch_;
  SilentProgress progress_;
};

Texts numbered(int count) {
  Texts texts;
  for (int i = 0; i < count; ++i) texts.push_back(fmt::format("{} is a number, once upon a time.\n", i));
  return texts;
}

Texts sorted(Texts texts) {
  std::sort(texts.begin(), texts.end());
  return texts;
}

Texts both(Texts a, const Texts& b) {
  a.insert(a.end(), b.begin(), b.end());
  return sorted(std::move(a));
}

TEST_F(Pack, EveryFormatOfACorpusPacksToTheSameBytes) {
  Texts texts = numbered(300);
  texts.push_back("\xE4\xBD\xA0\xE5\xA5\xBD \xF0\x9F\xA6\x8A");
  std::string lines;
  for (const std::string& text : texts) lines += to_text(Json{{"text", text}}) + "\n";
  std::string nested;
  for (const std::string& text : texts) nested += to_text(Json{{"a", {{"b", text}}}}) + "\n";
  const std::vector<std::pair<std::string, std::string>> sources = {
      {"a.jsonl", lines},
      {"b.ndjson", lines},
      {"c.jsonl.gz", packed_gz(lines)},
      {"d.jsonl.zst", packed_zst(lines)},
      {"e.jsonl.bz2", packed_bz2(lines)},
      {"f.jsonl.xz", packed_xz(lines)},
      {"g.jsonl", wide(lines, {2, false, 0})},
      {"h.jsonl", wide("\xEF\xBB\xBF" + lines, {2, true, 0})},
      {"i.jsonl", wide(lines, {4, true, 0})},
      {"j.jsonl.gz", packed_gz(wide(lines, {4, false, 0}))},
      {"k.jsonl", nested}};
  std::map<std::string, std::string> wanted;
  for (const auto& [name, bytes] : sources) {
    PackOptions options;
    if (name == "k.jsonl") options.reading.text_key = "a.b";
    pack({write(name, bytes)}, options);
    for (const char* file : {"train-00000.ids", "train.docs", "heldout-00000.ids", "heldout.docs"}) {
      const std::string got = read_file(out() / file, 1 << 20);
      EXPECT_EQ(wanted.try_emplace(file, got).first->second, got) << name << " " << file;
    }
  }
}

TEST_F(Pack, BadLinesAreCountedInTheManifest) {
  PackOptions options;
  options.reading.bad_lines = corpus::BadLines::skip;
  const Manifest m = pack({write("a.jsonl", "{\"text\": \"a\"}\n{\n{\"text\": \"b\"}\nx\n")}, options);
  EXPECT_EQ(m.removed.bad_lines, 2);
  EXPECT_EQ(corpus::parse_manifest(read_file(out() / corpus::kManifestName, 1 << 20), "x"), m);
}

TEST_F(Pack, FilesOfEveryKindBecomeDocuments) {
  const std::string folder = (scratch_.path() / "in").string();
  write("in/a.txt", "First, plain.\n");
  write("in/b.jsonl.xz", packed_xz("{\"text\": \"Second, packed \xE2\x82\xAC\"}\n{\"text\": \"Third\"}\n"));
  const std::string more = write("more", "Fourth");
  const Manifest m = pack({folder, more});
  EXPECT_EQ(both(train(), heldout()),
            (Texts{"First, plain.\n", "Fourth", "Second, packed \xE2\x82\xAC", "Third"}));
  EXPECT_EQ(m.sources, (Texts{folder, more}));
  EXPECT_EQ(m.tokenizer, small_tokenizer().fingerprint);
  EXPECT_EQ(m.vocab_size, small_tokenizer().vocab_size);
  EXPECT_EQ(m.eos, small_tokenizer().eos);
  EXPECT_EQ(m.train.documents, 3);
  EXPECT_EQ(m.heldout.documents, 1);  // the least that is held out
  EXPECT_EQ(corpus::Shards(out(), Split::train).manifest(), m);
  EXPECT_EQ(progress_.last_done, progress_.last_total);
}

TEST_F(Pack, ControlTokensInTextsStayText) {
  pack({write_lines("a.jsonl", {"A</longcat_s>B", "C"})}, {.heldout_fraction = 0});
  EXPECT_EQ(sorted(train()), (Texts{"A</longcat_s>B", "C"}));
  const corpus::Shards shards(out(), Split::train);
  std::vector<TokenId> ids(static_cast<std::size_t>(shards.tokens()));
  shards.read(0, ids);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), shards.eos()), 2);
}

TEST_F(Pack, IdsAreThoseOfTheTokenizer) {
  const std::string text = "Once upon a time  there was\n\n a fox.";
  pack({write("a.txt", text)});
  auto expected = small_tokenizer().tokenizer.encode(text, tokenizer::PostProcess::omit,
                                                     tokenizer::ControlTokens::nowhere());
  expected.push_back(small_tokenizer().eos);
  std::vector<TokenId> ids(expected.size());
  const corpus::Shards shards(out(), Split::train);
  ASSERT_EQ(shards.tokens(), std::ssize(expected));
  shards.read(0, ids);
  EXPECT_EQ(ids, expected);
}

TEST_F(Pack, TheSplitDependsOnTheTextsAlone) {
  Texts texts = numbered(400);
  pack({write_lines("a.jsonl", texts)});
  const Texts held = sorted(heldout());
  EXPECT_EQ(both(train(), heldout()), sorted(texts));
  // 400 draws of 1/40: 10 expected, standard deviation 3.1.
  EXPECT_GT(held.size(), 0U);
  EXPECT_LT(held.size(), 26U);
  std::reverse(texts.begin(), texts.end());
  pack({write_lines("a.jsonl", texts)});
  EXPECT_EQ(sorted(heldout()), held);
  const Texts more = numbered(600);
  pack({write_lines("a.jsonl", more)});
  const Texts held_of_more = sorted(heldout());
  EXPECT_TRUE(std::includes(held_of_more.begin(), held_of_more.end(), held.begin(), held.end()));
}

TEST_F(Pack, SmallSetsKeepOneOfEach) {
  for (const int count : {2, 3, 5}) {
    for (const double fraction : {1e-9, 0.025, 0.9, 0.998}) {
      const Texts texts = numbered(count);
      const Manifest m = pack({write_lines("a.jsonl", texts)}, {.heldout_fraction = fraction});
      EXPECT_GE(m.train.documents, 1) << count << " " << fraction;
      EXPECT_GE(m.heldout.documents, 1) << count << " " << fraction;
      EXPECT_EQ(both(train(), heldout()), sorted(texts));
    }
    EXPECT_EQ(pack({write_lines("a.jsonl", numbered(count))}, {.heldout_fraction = 0}).heldout.documents, 0);
  }
  EXPECT_EQ(pack({write_lines("a.jsonl", numbered(1))}, {.heldout_fraction = 0.998}).train.documents, 1);
}

TEST_F(Pack, GroupsStayTogether) {
  PackOptions options;
  options.reading.group_key = "title";  // the first digit
  options.heldout_fraction = 0.3;
  pack({write_lines("a.jsonl", numbered(500))}, options);
  std::map<char, int> in_train, in_heldout;
  for (const std::string& text : train()) ++in_train[text[0]];
  for (const std::string& text : heldout()) ++in_heldout[text[0]];
  EXPECT_EQ(in_train.size() + in_heldout.size(), 10U);
  for (const auto& [group, count] : in_train) EXPECT_EQ(in_heldout.count(group), 0U) << group;
}

TEST_F(Pack, HeldOutSourcesAreRemovedFromTheRest) {
  const std::string test = write_lines("test.jsonl", {"shared  text", "only here"});
  const std::string rest = write_lines("rest.jsonl", {"shared text", "one", "two"});
  const Manifest m = pack({rest}, {.heldout_fraction = 0, .heldout_sources = {test}});
  EXPECT_EQ(heldout(), (Texts{"shared  text", "only here"}));
  EXPECT_EQ(sorted(train()), (Texts{"one", "two"}));
  EXPECT_EQ(m.removed.duplicate_documents, 1);
  EXPECT_EQ(m.sources, (Texts{test, rest}));
}

TEST_F(Pack, TheSameInputGivesTheSameBytes) {
  const std::string source = write_lines("a.jsonl", numbered(300));
  const auto bytes = [&](std::int64_t tokens_per_file) {
    pack({source}, {.tokens_per_file = tokens_per_file});
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::directory_iterator(out())) {
      files[entry.path().filename()] = read_file(entry.path(), 1 << 30);
    }
    return files;
  };
  const auto whole = bytes(1 << 20), again = bytes(1 << 20), small = bytes(1000);
  EXPECT_EQ(whole, again);
  EXPECT_EQ(whole.size(), 7U);
  ASSERT_TRUE(small.contains("train-00002.ids"));
  EXPECT_EQ(small.at("train-00000.ids").size(), 2000U);
  std::string joined;
  for (const auto& [name, content] : small) {
    if (name.starts_with("train-")) joined += content;
  }
  EXPECT_EQ(joined, whole.at("train-00000.ids"));
}

TEST_F(Pack, NothingIsLeftOfWhatFailed) {
  const std::string good = write_lines("a.jsonl", numbered(5)), bad = write("b.txt", "x\xFF");
  EXPECT_REFUSED(pack({good, bad}), ErrorKind::bad_input, "b.txt: not UTF-8 at byte 1");
  EXPECT_EQ(leftovers(), Texts{});
  std::stop_source stop;
  stop.request_stop();
  EXPECT_REFUSED(pack({good}, {}, stop.get_token()), ErrorKind::cancelled, "stopped");
  EXPECT_EQ(leftovers(), Texts{});
  EXPECT_REFUSED(pack({write("c.txt", " \n")}), ErrorKind::bad_input, "no text to train on: 1 empty");
  EXPECT_EQ(leftovers(), Texts{});
  pack({good});
  EXPECT_EQ(leftovers(), Texts{"corpus"});
}

TEST_F(Pack, OnlyNewOrEmptyFoldersAreWritten) {
  const std::string good = write_lines("a.jsonl", numbered(5));
  fs::create_directories(out());
  corpus::pack(Texts{good}, small_tokenizer(), {}, out() / "", progress_, {});
  EXPECT_REFUSED(corpus::pack(Texts{good}, small_tokenizer(), {}, out(), progress_, {}), ErrorKind::usage,
                 "exists already");
  EXPECT_REFUSED(corpus::pack(Texts{good}, small_tokenizer(), {}, good, progress_, {}), ErrorKind::usage,
                 "exists already");
}

TEST_F(Pack, MisuseIsNamed) {
  const std::string good = write_lines("a.jsonl", numbered(5));
  EXPECT_REFUSED(pack({good}, {.heldout_fraction = 1}), ErrorKind::usage, "fraction of 1");
  EXPECT_REFUSED(pack({good}, {.tokens_per_file = 0}), ErrorKind::usage, "0 tokens in a file");
  EXPECT_REFUSED(pack({"-"}, {.heldout_sources = {"-"}}), ErrorKind::usage, "only once");
  EXPECT_REFUSED(pack({}), ErrorKind::bad_input, "no text");
}

TEST_F(Pack, ControlTokensCountWhereAConversationHasThem) {
  PackOptions options;
  options.heldout_fraction = 0;
  options.reading.conversations = [](const Json& line) {
    const std::string said = line.at("messages").at(0).at("content").get<std::string>();
    const std::string user = "<longcat_user>", end = "</longcat_s>";
    const std::size_t after = user.size() + said.size();
    return corpus::WrittenConversation{user + said + end, {{0, user.size()}, {after, after + end.size()}}};
  };
  const std::string lines = R"({"messages": [{"role": "user", "content": "a <longcat_user>"}]})"
                            "\n"
                            R"({"text": "<longcat_user>"})"
                            "\n";
  pack({write("in.jsonl", lines)}, options);
  const corpus::Shards shards(out(), Split::train);
  std::vector<TokenId> ids(static_cast<std::size_t>(shards.tokens()));
  shards.read(0, ids);
  const auto& tokenizer = small_tokenizer().tokenizer;
  const auto count = [&](std::string_view name) {
    return std::count(ids.begin(), ids.end(), tokenizer.id_of(name));
  };
  EXPECT_EQ(count("<longcat_user>"), 1);
  EXPECT_EQ(count("</longcat_s>"), 2);  // the conversation has its own
  EXPECT_EQ(ids.front(), tokenizer.id_of("<longcat_user>"));
}

class EosOfTokenizer : public ::testing::Test {
 protected:
  EosOfTokenizer() {
    fs::copy_file(test_data_folder() / "tokenizer/longcat/tokenizer.json",
                  scratch_.path() / "tokenizer.json");
  }
  TokenId eos(const std::optional<std::string>& name = std::nullopt) const {
    return corpus::open_corpus_tokenizer(scratch_.path(), name).eos;
  }
  TokenId id(std::string_view content) const { return *small_tokenizer().tokenizer.id_of(content); }

  ScratchFolder scratch_;
};

TEST_F(EosOfTokenizer, IsFoundWhereItIsNamed) {
  EXPECT_EQ(eos(), id("</longcat_s>"));
  EXPECT_EQ(eos("<longcat_pad>"), id("<longcat_pad>"));
  scratch_.write("tokenizer_config.json", "{\"eos_token\": \"<longcat_unk>\"}");
  EXPECT_EQ(eos(), id("<longcat_unk>"));
  EXPECT_EQ(eos("<longcat_pad>"), id("<longcat_pad>"));
  scratch_.write("tokenizer_config.json",
                 "{\"eos_token\": {\"content\": \"<longcat_unk>\", \"lstrip\": false}}");
  EXPECT_EQ(eos(), id("<longcat_unk>"));
  scratch_.write("tokenizer_config.json", "{\"eos_token\": null}");
  EXPECT_EQ(eos(), id("</longcat_s>"));
  scratch_.write("tokenizer_config.json", "{\"eos_token\": 5}");
  EXPECT_REFUSED(eos(), ErrorKind::bad_input, "\"eos_token\" must be a string");
  scratch_.write("tokenizer_config.json", "{\"eos_token\": \"<gone>\"}");
  EXPECT_REFUSED(eos(), ErrorKind::bad_input, "no token \"<gone>\", which");
  EXPECT_REFUSED(eos("<also gone>"), ErrorKind::bad_input, "which --eos names");
}

TEST_F(EosOfTokenizer, FilesAndFoldersHaveOneFingerprint) {
  const auto whole = corpus::open_corpus_tokenizer(scratch_.path() / "tokenizer.json");
  EXPECT_EQ(whole.fingerprint, small_tokenizer().fingerprint);
  EXPECT_EQ(whole.fingerprint, corpus::open_corpus_tokenizer(scratch_.path()).fingerprint);
  EXPECT_EQ(whole.fingerprint.size(), 32U);
  EXPECT_EQ(whole.vocab_size, whole.tokenizer.max_id() + 1);
  EXPECT_REFUSED(corpus::open_corpus_tokenizer(scratch_.path() / "gone"), ErrorKind::not_found, "gone");
  fs::copy_file(test_data_folder() / "tokenizer/digits_gpt2/tokenizer.json", scratch_.path() / "other.json");
  EXPECT_REFUSED(corpus::open_corpus_tokenizer(scratch_.path() / "other.json"), ErrorKind::bad_input,
                 "--eos");
}

}  // namespace
}  // namespace nestor::testing
