// nestor data: what it writes and prints, and how it refuses. How documents are read, sifted and split is
// tested in the room corpus.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "program.h"

namespace nestor::testing {
namespace {

const std::string kLines =
    "{\"body\": \"Once upon a time\", \"title\": \"A\"}\n{\"body\": \"there was\", \"title\": \"B\"}\n"
    "{\"body\": \"once  upon\"}\n{\"body\": \"once upon \"}\n";

// The ids of a corpus of at most 65536 ids with all of them in one file.
std::vector<TokenId> ids_of(const std::filesystem::path& folder, const std::string& split) {
  const std::string bytes = bytes_of(folder / (split + "-00000.ids"));
  std::vector<TokenId> ids;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    ids.push_back(static_cast<unsigned char>(bytes[i]) + 256 * static_cast<unsigned char>(bytes[i + 1]));
  }
  return ids;
}

TEST(Data, PacksAndReports) {
  const Scratch scratch;
  const std::string in = scratch.write("in.jsonl", kLines), out = (scratch / "out").string();
  EXPECT_EQ(
      output_of({"data", in, "--tokenizer", story(), "--out", out, "--text-key", "body", "--heldout", "0"}),
      "train:   3 documents, 14 tokens, 35 bytes of text (3.18 bytes a token)\n"
      "heldout: 0 documents, 0 tokens, 0 bytes of text (0.00 bytes a token)\n"
      "left out: 0 empty documents, 1 duplicates (10 bytes)\n");
  EXPECT_EQ(bytes_of(scratch / "out" / "train.docs").size(), 3U * 8U);
}

TEST(Data, PacksStandardInput) {
  const Scratch scratch;
  const std::string out = (scratch / "out").string();
  const Json json = json_of({"data", "-", "--tokenizer", story() + "/tokenizer.json", "--out", out,
                             "--heldout", "0", "--document-separator", "%", "--json"},
                            "Once upon a time there was\n%\nOnce\n");
  EXPECT_EQ(json["splits"]["train"]["documents"], 2);
  Json file = Json::parse(bytes_of(scratch / "out" / "corpus.json"));
  EXPECT_EQ(file.erase("checksum"), 1U);  // of the file itself
  EXPECT_EQ(json, file);
  std::string expected;
  for (const std::string text : {"Once upon a time there was\n", "Once\n"}) {
    const std::string ids = output_of({"tokenize", story(), "--no-special", "--text", text});
    expected += (expected.empty() ? "" : " ") + ids.substr(0, ids.size() - 1) +
                fmt::format(" {}", json["eos"].get<int>());
  }
  EXPECT_EQ(spaced(ids_of(scratch / "out", "train")), expected);
}

TEST(Data, ConversationsAreWrittenAsTheModelWillSeeThem) {
  const Scratch scratch;
  const std::string talk = R"({"messages": [{"role": "user", "content": "Hi </longcat_s>"}, )"
                           R"({"role": "assistant", "content": "Well,"}]})";
  output_of({"data", scratch.write("in.jsonl", talk), "--tokenizer", story(), "--out",
             (scratch / "out").string(), "--heldout", "0"});
  const std::vector<TokenId> ids = ids_of(scratch / "out", "train");
  const std::string written = output_of({"template", story(), "--input", scratch.write("talk.json", talk)});
  EXPECT_EQ(output_of({"detokenize", story(), "--ids", spaced(ids)}), written);
  const int eos = Json::parse(bytes_of(scratch / "out" / "corpus.json"))["eos"];
  EXPECT_EQ(std::count(ids.begin(), ids.end(), eos), 1);  // the template's, not the one in the question
  EXPECT_EQ(ids.back(), eos);
  expect_error({"data", scratch.write("bad.jsonl", R"({"messages": [5]})"), "--tokenizer", story(), "--out",
                (scratch / "bad").string()},
               1, "bad.jsonl: line 1");
}

TEST(Data, OptionsReachTheLibrary) {
  const Scratch scratch;
  const std::string in = scratch.write("in.txt", kLines);
  int count = 0;
  const auto pack = [&](Arguments more) {
    Arguments call = {"data",   in,           "--tokenizer",
                      story(),  "--out",      (scratch / std::to_string(count++)).string(),
                      "--json", "--text-key", "body"};
    call.insert(call.end(), more.begin(), more.end());
    return json_of(call);
  };
  EXPECT_EQ(pack({})["splits"]["train"]["documents"], 1);
  EXPECT_EQ(pack({"--max-document", "64"})["splits"]["heldout"]["documents"], 1);
  const Json lines = pack({"--format", "jsonl", "--keep-duplicates"});
  EXPECT_EQ(
      lines["splits"]["train"]["documents"].get<int>() + lines["splits"]["heldout"]["documents"].get<int>(),
      4);
  const std::string other = scratch.write("other.txt", "Once upon a time\n");
  const Json held = pack({"--heldout", "0", "--heldout-from", other, "--eos", "<longcat_pad>", "--repair"});
  EXPECT_EQ(held["splits"]["heldout"]["documents"], 1);
  EXPECT_EQ(held["eos"], 3);
  const std::string twice = scratch.write("twice.txt", "a line\n%\na line\nx\n");
  const Json lines_out = pack({"--dedup-lines", "6", "--heldout", "0", "--document-separator", "%", twice});
  EXPECT_EQ(lines_out["removed"]["repeated_lines"], 1);
}

TEST(Data, JsonLinesOnStandardInputAreKnown) {
  const Scratch scratch;
  const Arguments call = {"data", "-", "--tokenizer", story(), "--out"};
  const auto to = [&](const std::string& name) {
    Arguments with = call;
    with.insert(with.end(), {(scratch / name).string(), "--heldout", "0", "--text-key", "body", "--json"});
    return with;
  };
  const Json piped = json_of(to("piped"), kLines);
  EXPECT_EQ(piped["splits"]["train"]["documents"], 3);
  EXPECT_EQ(json_of(to("text"), "prose\n" + kLines)["splits"]["train"]["documents"], 1);
}

TEST(Data, BadLinesAreLeftOutAndCounted) {
  const Scratch scratch;
  const std::string in = scratch.write("in.jsonl", kLines + "{\nnothing\n");
  const std::string out = output_of({"data", in, "--tokenizer", story(), "--out", (scratch / "out").string(),
                                     "--text-key", "body", "--skip-bad-lines"});
  EXPECT_NE(out.find("2 bad lines"), std::string::npos) << out;
}

TEST(Data, UnreadFilesOfFoldersAreListed) {
  const Scratch scratch;
  scratch.write("in/a.txt", "Once upon a time");
  scratch.write("in/b.csv", "x");
  scratch.write("in/c.parquet", "x");
  const Outcome outcome = nestor({"data", (scratch / "in").string(), "--tokenizer", story(), "--out",
                                  (scratch / "out").string(), "--heldout", "0"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("not read"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("c.parquet"), std::string::npos) << outcome.err;
}

TEST(Data, MegatronShardsGoOutAndIn) {
  const Scratch scratch;
  const std::string in = scratch.write("in.jsonl", kLines);
  const auto pack = [&](const std::string& source, const std::string& out, const std::string& format) {
    return output_of({"data", source, "--tokenizer", story(), "--out", (scratch / out).string(), "--text-key",
                      "body", "--heldout", "0", "--output", format});
  };
  const std::string direct = pack(in, "direct", "packed");
  EXPECT_EQ(pack(in, "shards", "megatron"), direct);
  pack((scratch / "shards" / "train.bin").string(), "again", "packed");
  EXPECT_EQ(bytes_of(scratch / "again" / "train-00000.ids"),
            bytes_of(scratch / "direct" / "train-00000.ids"));
  expect_error({"tokenizer", "train", (scratch / "shards" / "train.idx").string(), "--vocab-size", "300",
                "--out", (scratch / "t").string()},
               1, "the index of Megatron shards; nestor data reads it");
}

TEST(Data, RefusesWithOneLine) {
  const Scratch scratch;
  const std::string in = scratch.write("in.jsonl", kLines), out = (scratch / "out").string();
  const Arguments good = {"data", in, "--tokenizer", story(), "--out", out};
  const auto with = [&](Arguments more) {
    Arguments call = good;
    call.insert(call.end(), more.begin(), more.end());
    return call;
  };
  expect_error(good, 1, "in.jsonl: line 1: no key \"text\"; --text-key");
  expect_error(with({"--text-key", "body", "--heldout-by", "title"}), 1,
               "line 3: no key \"title\"; --heldout-by");
  expect_error(with({"--heldout", "1"}), 2, "--heldout");
  expect_error(with({"--max-document", "3"}), 2, "--max-document");
  expect_error(with({"--format", "csv"}), 2, "--format");
  expect_error(with({"--eos", "<gone>"}), 1, "no token \"<gone>\"");
  expect_error(with({(scratch / "gone").string()}), 1, "no such file or folder");
  expect_error({"data", "--tokenizer", story(), "--out", out}, 2, "SRC");
  expect_error({"data", in, "--out", out}, 2, "--tokenizer");
  expect_error({"data", in, "--tokenizer", story()}, 2, "--out");
  expect_error({"data", in, "--tokenizer", story(), "--out", in}, 2, "exists already");
  EXPECT_FALSE(std::filesystem::exists(out));
  expect_error({"data", scratch.write("x.txt", "a\xFF"), "--tokenizer", story(), "--out", out}, 1,
               "--repair");
  expect_error({"data", scratch.write("x.txt", std::string("PAR1\x15\0", 6)), "--tokenizer", story(), "--out",
                out, "--repair"},
               1, "a Parquet file; docs/data.md");
}

}  // namespace
}  // namespace nestor::testing
