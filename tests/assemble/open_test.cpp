// An opened model reads what it is asked for and nothing else, and writes what the layers below would.
#include "assemble/open.h"

#include <gtest/gtest.h>

#include "decode/generate.h"
#include "support/golden.h"
#include "support/paths.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"

namespace nestor::assemble {
namespace {

using testing::story_folder;

const std::string kPrompt = "Once upon a time there was";

OpenedModel story() { return open(story_folder(), {.threads = 2}); }

GeneratedText write(OpenedModel& model, const TextOptions& how) {
  std::string pieces;
  GeneratedText text = model.generate(kPrompt, how, [&](std::string_view piece) {
    EXPECT_FALSE(piece.empty());
    pieces += piece;
  });
  EXPECT_EQ(pieces, text.text);
  return text;
}

TEST(Open, GeneratesWhatDecodingTheIdsGives) {
  auto model = story();
  const TextOptions how = {.sampling = {.temperature = 0.8, .seed = 3}, .max_tokens = 40};
  const GeneratedText text = write(model, how);
  std::vector<decode::Turn> turns;
  turns.emplace_back(
      model.tokenizer().encode(kPrompt, tokenizer::PostProcess::add, tokenizer::ControlTokens::nowhere()),
      how.sampling, decode::StopRule{.ids = model.defaults().stop_ids, .max_tokens = 40});
  decode::generate(model.model(), turns, {}, {});
  EXPECT_EQ(text.text, model.tokenizer().decode(turns[0].generated(), tokenizer::ControlText::keep));
  EXPECT_EQ(text.reason, turns[0].finish_reason());
  EXPECT_EQ(write(model, how).text, text.text);
}

TEST(Open, AStopTextEndsWhatIsWritten) {
  auto model = story();
  const std::string whole = write(model, {.sampling = {.temperature = 0}, .max_tokens = 30}).text;
  const std::string stop = whole.substr(whole.size() / 2, 5);
  const auto text = write(model, {.sampling = {.temperature = 0}, .max_tokens = 30, .stops = {stop}});
  EXPECT_EQ(text.text, whole.substr(0, whole.find(stop)));
  EXPECT_EQ(text.reason, decode::FinishReason::stop);
}

TEST(Open, CanBeCancelledBeforeItBegins) {
  auto model = story();
  std::stop_source source;
  source.request_stop();
  const auto text = write(model, {.cancel = source.get_token()});
  EXPECT_EQ(text.text, "");
  EXPECT_EQ(text.reason, decode::FinishReason::cancelled);
}

TEST(Open, ReadsNothingThatIsNotAskedFor) {
  const testing::ScratchFolder folder;
  std::filesystem::copy(story_folder() / "tokenizer.json", folder.path() / "tokenizer.json");
  folder.write("model.safetensors", "damaged");
  auto model = open(folder.path());
  EXPECT_TRUE(model.has_tokenizer());
  EXPECT_GT(model.tokenizer().vocab_size(), 0);
  EXPECT_REFUSED(model.config(), ErrorKind::not_found, "config.json");
  std::filesystem::copy(story_folder() / "config.json", folder.path() / "config.json");
  EXPECT_GT(model.config().vocab_size, 0);
  EXPECT_REFUSED(model.model(), ErrorKind::bad_input, "model.safetensors");
  EXPECT_NO_THROW(model.chat());  // the built-in one
  EXPECT_EQ(model.defaults().stop_ids, model.config().eos_token_ids);
}

TEST(Open, AFileIsThePartThatItIs) {
  EXPECT_GT(open(story_folder() / "config.json").config().vocab_size, 0);
  EXPECT_GT(open(story_folder() / "tokenizer.json").tokenizer().vocab_size(), 0);
  EXPECT_REFUSED(open(story_folder() / "config.json").model(), ErrorKind::not_found,
                 "expected a checkpoint folder, found a file");
  EXPECT_REFUSED(open("/nowhere"), ErrorKind::not_found, "expected a checkpoint folder, found nothing there");
}

TEST(Open, OptionsThatMakeNoSenseAreRefused) {
  EXPECT_REFUSED(open(story_folder(), {.threads = -1}).model(), ErrorKind::usage, "--threads -1");
  EXPECT_REFUSED(open(story_folder(), {.kernels = "fastest"}).model(), ErrorKind::usage, "fastest");
  EXPECT_REFUSED(open(story_folder(), {.context = 1 << 30}).model(), ErrorKind::limit, "--ctx");
}

TEST(Open, WithoutATokenizerIdsAreTheText) {
  auto opened = open(testing::golden_folder("lite_small"), {.threads = 1});
  EXPECT_FALSE(opened.has_tokenizer());
  decode::Turn turn({1, 17, 3}, {.temperature = 0}, {.max_tokens = 3});
  const auto model = opened.take_model();
  const auto text = generate_text(*model, turn, TextStream::of_ids(), {}, [](std::string_view) {});
  ASSERT_EQ(turn.generated().size(), 3U);
  const auto ids = turn.generated();
  EXPECT_EQ(text.text, fmt::format("{} {} {}", ids[0], ids[1], ids[2]));
}

}  // namespace
}  // namespace nestor::assemble
