// A disk that is full or breaks: every call that writes, of every command that writes files, fails once. The
// command says so and ends with 1; what has its final name is whole; the same command succeeds afterwards and
// nothing else is left.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "nestor/program.h"
#include "support/golden.h"
#include "support/paths.h"

namespace nestor::testing {
namespace {

namespace fs = std::filesystem;

using Files = std::map<std::string, std::string>;

Files files_in(const fs::path& folder) {
  Files files;
  if (!fs::exists(folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files[fs::relative(entry.path(), folder).string()] = bytes_of(entry.path());
  }
  return files;
}

// A command that writes below `out`, and what is there before.
struct Writer {
  std::string name;
  std::function<Arguments(const fs::path& in, const fs::path& out)> arguments;
  Files before = {};
  std::string grows = {};  // a file that says what is done so far, while there is more to do
};

const std::string kLog = "nestor-convert.json";

std::vector<Writer> writers() {
  const std::string small = golden_folder("lite_small").string();
  const auto into = [](const fs::path& out, const char* name) { return (out / name).string(); };
  return {
      {"new",
       [=](const fs::path& in, const fs::path& out) -> Arguments {
         return {"new", "--preset", (in / "shape.json").string(), into(out, "model")};
       }},
      {"new_encoded",
       [=](const fs::path& in, const fs::path& out) -> Arguments {
         return {"new", "--preset", (in / "shape.json").string(), "--weights", "q4", into(out, "model")};
       },
       {},
       kLog},
      {"convert",
       [=](const fs::path&, const fs::path& out) -> Arguments {
         return {"convert",  small,    into(out, "model"), "--weights", "q4",
                 "--scales", "absmax", "--shard-gb",       "0.001"};
       },
       {},
       kLog},
      {"data",
       [=](const fs::path& in, const fs::path& out) -> Arguments {
         return {"data",  (in / "text.jsonl").string(), "--tokenizer", story() + "/tokenizer.json",
                 "--out", into(out, "corpus")};
       }},
      {"data_megatron",
       [=](const fs::path& in, const fs::path& out) -> Arguments {
         return {"data",        (in / "text.jsonl").string(),
                 "--tokenizer", story() + "/tokenizer.json",
                 "--output",    "megatron",
                 "--out",       into(out, "corpus")};
       }},
      {"tokenizer_train",
       [=](const fs::path& in, const fs::path& out) -> Arguments {
         return {"tokenizer", "train", (in / "text.jsonl").string(), "--vocab-size",
                 "290",       "--out", into(out, "tokenizer")};
       }},
      {"tokenizer_train_to_a_file",
       [=](const fs::path& in, const fs::path& out) -> Arguments {
         return {"tokenizer", "train", (in / "text.jsonl").string(), "--vocab-size",
                 "290",       "--out", into(out, "t.json")};
       }},
      {"logits",
       [=](const fs::path&, const fs::path& out) -> Arguments {
         return {"logits", small, "--ids", "1 2 3", "--out", into(out, "a.npy")};
       },
       {{"a.npy", "old"}}},
      {"eval_write_importance",
       [=](const fs::path& in, const fs::path& out) -> Arguments {
         return {"eval",
                 story(),
                 "--text",
                 (in / "text.txt").string(),
                 "--write-importance",
                 into(out, "importance")};
       }},
  };
}

class LostWrite : public ::testing::TestWithParam<std::tuple<Writer, std::int64_t>> {
 protected:
  void SetUp() override {
    Json shape = read_test_json("golden/lite_small/config.json");
    scratch_.write("in/shape.json", to_text(shape));
    scratch_.write("in/text.txt", "Once upon a time there was a little girl who liked to play.");
    std::string lines;
    for (int i = 0; i < 40; ++i) {
      lines += to_text(Json{{"text", "Once upon a time number " + std::to_string(i) + " said yes."}}) + "\n";
    }
    scratch_.write("in/text.jsonl", lines);
  }

  // The command, with call `at` of a kind failing in `out`; how many such calls there were.
  Outcome run(const char* call, std::int64_t at, std::int64_t* calls = nullptr) const {
    const fs::path report = scratch_ / "report";
    fs::remove(report);
    ::setenv("LD_PRELOAD", (build_folder() / "tests/failing_writes.so").c_str(), 1);
    ::setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
    ::setenv("FAIL_FOLDER", out().c_str(), 1);
    ::setenv("FAIL_CALL", call, 1);
    ::setenv("FAIL_AT", std::to_string(at).c_str(), 1);
    ::setenv("FAIL_REPORT", report.c_str(), 1);
    Outcome outcome = nestor(writer_.arguments(scratch_ / "in", out()));
    for (const char* name : {"LD_PRELOAD", "ASAN_OPTIONS", "FAIL_FOLDER"}) ::unsetenv(name);
    if (calls != nullptr) *calls = fs::exists(report) ? std::stol(bytes_of(report)) : 0;
    return outcome;
  }

  fs::path out() const { return scratch_ / "out"; }
  void begin() const {
    fs::remove_all(out());
    fs::create_directory(out());
    for (const auto& [name, bytes] : writer_.before) scratch_.write("out/" + name, bytes);
  }

  void expect_whole(const Files& found, const Files& expected) const {
    for (const auto& [name, bytes] : found) {
      if (!writer_.grows.empty() && name.ends_with(writer_.grows)) continue;
      const bool old = writer_.before.contains(name) && writer_.before.at(name) == bytes;
      EXPECT_TRUE(old || (expected.contains(name) && expected.at(name) == bytes)) << name;
    }
  }

  Scratch scratch_;
  const Writer writer_ = std::get<0>(GetParam());
};

TEST_P(LostWrite, IsSaidAndLeavesNothingInTheWay) {
  begin();
  ASSERT_EQ(run("none", -1).exit_code, 0);
  const Files expected = files_in(out());
  ASSERT_FALSE(expected.empty());
  for (const char* call : {"create", "write", "sync", "close", "rename", "folder"}) {
    begin();
    std::int64_t calls = 0;
    ASSERT_EQ(run(call, -1, &calls).exit_code, 0);
    if (std::string_view(call) != "folder") {
      ASSERT_GT(calls, 0) << call;
    }
    const std::int64_t tries = std::min(calls, std::get<1>(GetParam()));
    for (std::int64_t i = 0; i < tries; ++i) {
      const std::int64_t at = tries == 1 ? 0 : i * (calls - 1) / (tries - 1);
      SCOPED_TRACE(writer_.name + ": " + call + " " + std::to_string(at) + " of " + std::to_string(calls));
      begin();
      const Outcome failed = run(call, at);
      EXPECT_EQ(failed.exit_code, 1) << failed.err;
      EXPECT_EQ(failed.out, "");
      EXPECT_NE(failed.err.find("nestor: error: "), std::string::npos) << failed.err;
      EXPECT_NE(failed.err.find(out().string()), std::string::npos) << failed.err;
      expect_whole(files_in(out()), expected);
      const Outcome again = run("none", -1);
      EXPECT_EQ(again.exit_code, 0) << again.err;
      EXPECT_EQ(files_in(out()), expected);
      if (HasFailure()) return;
    }
  }
}

const auto named = [](const auto& info) { return std::get<0>(info.param).name; };
INSTANTIATE_TEST_SUITE_P(Some, LostWrite,
                         ::testing::Combine(::testing::ValuesIn(writers()), ::testing::Values(3)), named);
INSTANTIATE_TEST_SUITE_P(Every, LostWrite,
                         ::testing::Combine(::testing::ValuesIn(writers()), ::testing::Values(100000)),
                         named);

}  // namespace
}  // namespace nestor::testing
