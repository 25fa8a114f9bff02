// nestor plan: what the commands print and refuse. What they compute is tested in the room plan.
#include <gtest/gtest.h>

#include <set>

#include "program.h"

namespace nestor::testing {
namespace {

constexpr const char* kText = "the cat and the hat\n%\nthe rat and the cat\n%\nthe hat\n";

std::string packed(const Scratch& scratch, const std::string& tokenizer, const std::string& text = kText) {
  const std::string out = (scratch / "corpus").string();
  output_of({"data", scratch.write("text.txt", text), "--document-separator", "%", "--heldout", "0",
             "--tokenizer", tokenizer, "--out", out});
  return out;
}

// Distinct 2-grams as the ids file has them, and their rows.
TEST(PlanCollisions, CountsWhatTheFileOfIdsHas) {
  const Scratch scratch;
  const std::string corpus = packed(scratch, story());
  const std::string bytes = bytes_of(scratch / "corpus/train-00000.ids");
  std::set<std::int64_t> ngrams, rows;
  std::int64_t before = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    const std::int64_t id =
        static_cast<unsigned char>(bytes[i]) + 256 * static_cast<unsigned char>(bytes[i + 1]);
    ngrams.insert(id + before * 4096);
    before = id == 2 ? 0 : id;
  }
  for (const std::int64_t ngram : ngrams) rows.insert(ngram % 11);
  const Json json =
      json_of({"plan", "collisions", corpus, "--rows", "11", "--rows", "8192", "--max-order", "3", "--json"});
  ASSERT_EQ(json["tables"].size(), 4u);
  const Json& first = json["tables"][0];
  EXPECT_EQ(first["order"], 2);
  EXPECT_EQ(first["rows"], 11);
  EXPECT_EQ(first["distinct"], ngrams.size());
  EXPECT_EQ(first["collisions"], ngrams.size() - rows.size());
  EXPECT_EQ(first["hit_rate"], static_cast<double>(rows.size()) / 11);
  EXPECT_EQ(json["tables"][1]["rows"], 8192);
  EXPECT_EQ(json["tables"][1]["near"]["p"], 2);
  EXPECT_EQ(json["tables"][3]["order"], 3);
  EXPECT_EQ(json["positions"], bytes.size() / 2);
  EXPECT_EQ(json["counts"]["ngrams_that_end_at_eos"], true);
  EXPECT_EQ(json["counts"]["ngrams_that_begin_before_the_document"], true);
  EXPECT_GT(json["recommended"].size(), 0u);
}

TEST(PlanCollisions, PrintsATableAndWarnsOfRandomIds) {
  const Scratch scratch;
  // The bundled model's tokenizer has random ids. Enough text for half of it to be in half of the vocabulary.
  const std::string bundled = test_data("../../assets/story");
  const std::string text = bytes_of(test_data("golden/story/expected/heldout.txt"));
  const Outcome outcome = nestor({"plan", "collisions", packed(scratch, bundled, text), "--ratio", "2"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("8193 rows: 2.0002 of the vocabulary, 0.000 from 2/1\n"), std::string::npos)
      << outcome.out;
  EXPECT_NE(outcome.out.find(" rows (recommended): "), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.err.find("random ids"), std::string::npos) << outcome.err;
}

TEST(PlanCollisions, Misuse) {
  const Scratch scratch;
  const std::string corpus = packed(scratch, story());
  expect_error({"plan"}, 2, "nestor plan --help");
  expect_error({"plan", "collisons"}, 2, "collisons");
  expect_error({"plan", "collisions", corpus}, 2, "expected --rows or --ratio");
  expect_error({"plan", "collisions", corpus, "--rows", "0"}, 2, "not 0");
  expect_error({"plan", "collisions", corpus, "--rows", "5", "--max-order", "12"}, 2, "up to 10");
  expect_error({"plan", "collisions", corpus, "--rows", "1000000000"}, 1, "--memory");
  expect_error({"plan", "collisions", story(), "--rows", "5"}, 1, "corpus.json");
}

TEST(PlanFit, KnowsLiteWithoutWeights) {
  const Json json =
      json_of({"plan", "fit", "lite", "--dtype", "bf16", "--no-speed", "--memory", "30", "--json"});
  EXPECT_EQ(json["parameters"]["total"], 68'562'465'024);
  EXPECT_EQ(json["parameters"]["ngram"], 31'416'422'400);
  EXPECT_EQ(json["parameters"]["draft"], 510'870'528);
  EXPECT_EQ(json["bytes"]["cache_per_token"], 32'256);
  EXPECT_EQ(json["fits"], false);
  EXPECT_EQ(json["formats_that_fit"], Json({"q4"}));
  EXPECT_NE(json["why"].get<std::string>().find("with --weights and --tables q4 it would fit"),
            std::string::npos);
  EXPECT_TRUE(json["decode_tok_s"].is_null());
  const Json inspected = json_of({"inspect", "lite", "--json"});
  EXPECT_EQ(inspected["parameters"]["total"], json["parameters"]["total"]);
  EXPECT_EQ(inspected["parameters"]["with_draft"], 69'073'335'552);
  const std::string text = output_of({"plan", "fit", "lite", "--no-speed", "--memory", "5"});
  EXPECT_NE(text.find("no format of weights makes it fit"), std::string::npos) << text;
}

// What nestor new writes in a format has as many bytes as planned.
TEST(PlanFit, BytesAreThoseOfTheFiles) {
  for (const std::string format : {"bf16", "q8", "q4"}) {
    const Scratch scratch;
    const std::string folder = (scratch / "model").string();
    output_of({"new", "--preset", "tiny", folder, "--weights", format, "--tables", format});
    const Json files = json_of({"inspect", folder, "--json"});
    const auto total = [](const Json& fit) {
      return fit["bytes"]["weights"].get<std::int64_t>() + fit["bytes"]["tables"].get<std::int64_t>() +
             fit["bytes"]["draft"].get<std::int64_t>();
    };
    const Arguments asked = {"plan",     "fit",  "tiny",       "--weights", format,
                             "--tables", format, "--no-speed", "--json"};
    EXPECT_EQ(total(json_of(asked)), files["bytes"]["total"]) << format;
    EXPECT_EQ(total(json_of({"plan", "fit", folder, "--no-speed", "--json"})), files["bytes"]["total"])
        << format;
  }
}

TEST(PlanFit, PredictsSpeedsOfWhatFits) {
  const Json json =
      json_of({"plan", "fit", "tiny", "--weights", "q8", "--prompt", "16", "--threads", "1", "--json"});
  EXPECT_EQ(json["fits"], true);
  EXPECT_GT(json["decode_tok_s"].get<double>(), 0);
  EXPECT_GT(json["prefill_tok_s"].get<double>(), 0);
  EXPECT_TRUE(json["predicted_error"].is_null());  // a small model
  EXPECT_EQ(json["machine"]["threads"], 1);
}

TEST(PlanFit, Misuse) {
  expect_error({"plan", "fit", "/nowhere"}, 1, "/nowhere");
  expect_error({"plan", "fit", "tiny", "--prompt", "99999"}, 2, "2560 positions");
  expect_error({"plan", "fit", "tiny", "--keep", "nothing=q8"}, 2, "nothing");
  expect_error({"plan", "fit", "tiny", "--streams", "auto"}, 2, "does not use --streams");
  expect_error({"plan", "collisions", "/nowhere", "--rows", "5", "--threads", "2"}, 2,
               "does not use --threads");
}

TEST(PlanBudget, WritesRecipesOfOneTotal) {
  const Scratch scratch;
  const std::string folder = (scratch / "recipes").string();
  const Json json = json_of({"plan", "budget", "story", "--total", "30M", "--share", "0", "--share", "0.25",
                             "--share", "0.5", "--out", folder, "--json"});
  ASSERT_EQ(json["recipes"].size(), 3u);
  const auto total = [&](std::size_t i) { return json["recipes"][i]["parameters"]["total"].get<double>(); };
  EXPECT_NEAR(total(0), 30e6, 0.3e6);
  for (std::size_t i = 0; i < 3; ++i) {
    const Json& recipe = json["recipes"][i];
    EXPECT_NEAR(total(i), total(0), 1e-3 * total(0));
    const std::string file = bytes_of(scratch / "recipes" / (recipe["name"].get<std::string>() + ".json"));
    EXPECT_EQ(parse_json(file, "recipe"), recipe["recipe"]);
    EXPECT_EQ(recipe["recipe"]["schedule"]["steps"], 5500);
    // The planner of what is stored counts the same.
    const std::string config = scratch.write("config.json", recipe["recipe"]["model"]["config"].dump());
    EXPECT_EQ(json_of({"inspect", config, "--json"})["parameters"]["total"], recipe["parameters"]["total"]);
  }
  EXPECT_FALSE(json["recipes"][0].contains("tables"));
  EXPECT_NEAR(json["recipes"][2]["share"].get<double>(), 0.5, 0.03);
}

TEST(PlanBudget, StartsFromAConfigurationToo) {
  const std::string text = output_of({"plan", "budget", "lite", "--activated", "300M"});
  EXPECT_NE(text.find("lite-share50"), std::string::npos) << text;
  EXPECT_NE(text.find("2601.21204"), std::string::npos) << text;
  expect_error({"plan", "budget", "story", "--total", "many"}, 2, "such as 730924");
  expect_error({"plan", "budget", "story", "--total", "1M"}, 2, "too few");
  expect_error({"plan", "budget", "nothing"}, 2, "nothing");
}

}  // namespace
}  // namespace nestor::testing
