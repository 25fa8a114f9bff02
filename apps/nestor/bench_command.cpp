// nestor bench: how fast a model is on this machine, beside what the machine gives at best.
#include <algorithm>

#include "arguments.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/json.h"
#include "base/large_pages.h"
#include "base/memory.h"
#include "kernels/op_args.h"
#include "kernels/registry.h"
#include "measure/speed.h"
#include "terminal.h"

namespace nestor::app {
namespace {

struct Options {
  std::string model;
  std::int64_t prompt = 512;
  std::int64_t tokens = 32;
  std::vector<std::int64_t> depths = {0, 2048};
  std::vector<std::int64_t> sequences = {1, 4, 16};
  std::int64_t rounds = 3;
  std::uint64_t seed = 0;
};

// Rows of one sequence in one step, where drafted tokens are verified.
constexpr std::int64_t kMostRows = 4;

// So much that no cache holds it; a read goes on where the last one ended.
constexpr std::size_t kMemory = std::size_t{512} << 20;

// Depths that nobody asked for are left out where the context has no room for them.
enum class Depths { as_given, that_fit };

class Benchmark {
 public:
  Benchmark(const Options& options, const assemble::OpenOptions& engine, Depths depths)
      : o_(options),
        threads_(engine.threads == 0 ? cpu_info().cores : engine.threads),
        model_(assemble::open(resolve_model(options.model), engine).take_model()),
        subject_{*model_, [this] { return model_->work(); }, threads_},
        memory_(kMemory),
        depths_(options.depths) {
    if (depths != Depths::that_fit) return;
    const std::int64_t room = model_->info().context_limit - kMostRows * (o_.tokens + measure::kWarmUpSteps);
    std::erase_if(depths_, [&](std::int64_t depth) { return depth > std::max<std::int64_t>(room, 0); });
  }

  int execute() {
    check_room();
    const auto formats = assemble::formats_beyond_caches(model_->matrix_bytes());
    const std::string streams = assemble::text_of(model_->streams(), formats);
    const auto rounded = kernels::activations_of(model_->ops()) == kernels::Activations::bf16;
    const std::string activations = rounded ? "bf16" : "exact";
    print(fmt::format("{}, {} threads, {}, activations {}{}{}\n", cpu_info().name, threads_,
                      model_->ops().name, activations, streams.empty() ? "" : ", streams ", streams));
    prompt();
    print(fmt::format("{:>8}{:>11}{:>6}{:>10}{:>10}{:>13}{:>12}{:>10}\n", "depth", "sequences", "rows",
                      "ms/step", "tok/s", "MB weights", "DRAM GB/s", "share"));
    for (const std::int64_t depth : depths_) {
      for (const std::int64_t sequences : o_.sequences) decode({depth, sequences, 1});
    }
    decode({depths_.front(), 1, kMostRows});  // as drafted tokens are verified
    std::uint64_t matrices = 0;
    for (const std::uint64_t bytes : model_->matrix_bytes()) matrices += bytes;
    const std::uint64_t large = bytes_in_large_pages();
    print(
        fmt::format("{} of {} of weights lie in pages of 2 MiB\n", bytes_text(large), bytes_text(matrices)));
    json_["weight_bytes_in_large_pages"] = large;
    json_["threads"] = threads_;
    json_["cpu"] = cpu_info().name;
    json_["kernels"] = model_->ops().name;
    json_["activations"] = activations;
    json_["streams"] = streams;
    print(to_text(json_) + "\n");
    return 0;
  }

 private:
  // Before anything is measured.
  void check_room() const {
    const std::int64_t limit = model_->info().context_limit;
    const std::int64_t steps = o_.tokens + measure::kWarmUpSteps;
    const std::int64_t deepest = *std::ranges::max_element(depths_) + steps;
    const std::int64_t verified = depths_.front() + kMostRows * steps;
    if (const auto needed = std::max({o_.prompt, deepest, verified}); needed > limit) {
      const bool may_grow = limit < model_->config().max_position_embeddings;
      fail(ErrorKind::limit,
           "{} tokens do not fit the context of {}; lower --prompt, --depths or the steps{}", needed, limit,
           may_grow ? ", or raise --ctx" : "");
    }
  }

  void prompt() {
    const measure::PromptSpeed s =
        measure::prompt_speed(subject_, o_.prompt, static_cast<int>(o_.rounds), o_.seed);
    const auto of = [](std::int64_t products, const char* what) {
      return products == 0 ? "" : fmt::format("; {:.1f} G multiply-adds of {}", products / 1e9, what);
    };
    print(fmt::format("prompt of {} tokens: {:.1f} tok/s{}{}{}; {:.1f} % of {}\n", s.tokens, s.tokens_s(),
                      of(s.work.code_products, "codes"), of(s.work.rounded_products, "rounded activations"),
                      of(s.work.float_products, "floats"), 100 * s.share(), peak_text(s)));
    json_["prefill_tok_s"] = s.tokens_s();
    json_["prefill_tokens"] = s.tokens;
    json_["prefill_share"] = s.share();
    json_["prefill_code_products"] = s.work.code_products;
    json_["prefill_float_products"] = s.work.float_products;
    json_["prefill_rounded_products"] = s.work.rounded_products;
    json_["bf16_ops_per_s"] = s.bf16_peak;
    json_["int8_ops_per_s"] = s.int8_peak;
    json_["int8_tile_ops_per_s"] = s.int8_tile_peak;
    json_["fp32_ops_per_s"] = s.fp32_peak;
  }

  void decode(const measure::DecodeCase& what) {
    const measure::DecodeSpeed s = measure::decode_speed(subject_, what, o_.tokens, o_.seed, memory_);
    const Json share = s.share() ? Json(*s.share()) : Json();
    print(fmt::format("{:>8}{:>11}{:>6}{:>10.2f}{:>10.2f}{:>13.1f}{:>12.2f}{:>10}\n", what.depth,
                      what.sequences, what.rows, 1e3 / s.steps_s, s.tokens_s(), s.weight_bytes / 1e6,
                      s.dram_bytes_s / 1e9, share_text(s)));
    if (!json_.contains("decode_tok_s")) {
      json_["decode_tok_s"] = s.tokens_s();
      json_["weight_bytes_per_token"] = s.weight_bytes;
      json_["dram_read_bytes_per_s"] = s.dram_bytes_s;
      json_["decode_share"] = share;
    }
    json_["decode"].push_back({{"depth", what.depth},
                               {"sequences", what.sequences},
                               {"rows", what.rows},
                               {"tok_s", s.tokens_s()},
                               {"weight_bytes_per_step", s.weight_bytes},
                               {"dram_read_bytes_per_s", s.dram_bytes_s},
                               {"dram_steady", s.steady},
                               {"share", share}});
  }

  // The peak that a prompt's share is of.
  static std::string peak_text(const measure::PromptSpeed& s) {
    using Numbers = measure::PromptSpeed::Numbers;
    if (s.numbers() == Numbers::rounded) return fmt::format("{:.0f} GFLOP/s bf16", s.bf16_peak / 1e9);
    if (s.numbers() == Numbers::floats) return fmt::format("{:.0f} GFLOP/s float32", s.fp32_peak / 1e9);
    std::string vectors = fmt::format("{:.0f} GOP/s int8 in vectors", s.int8_peak / 1e9);
    if (s.int8_tile_peak == 0) return vectors;
    return vectors + fmt::format(" ({:.0f} in tile registers)", s.int8_tile_peak / 1e9);
  }

  static std::string share_text(const measure::DecodeSpeed& s) {
    if (s.share()) return fmt::format("{:.1f}%", 100 * *s.share());
    return s.steady ? "in cache" : "unsteady";
  }

  const Options& o_;
  int threads_;
  std::unique_ptr<model::Model> model_;
  measure::Subject subject_;
  measure::Memory memory_;
  std::vector<std::int64_t> depths_;
  Json json_ = Json::object();
};

}  // namespace

Command bench_command(CLI::App& root, const assemble::OpenOptions& engine) {
  auto o = std::make_shared<Options>();
  CLI::App* app = root.add_subcommand("bench", "Measure the speed of a model beside what the machine gives");
  add_model(*app, o->model);
  const CLI::Range count(std::int64_t{1}, std::int64_t{1} << 20);
  app->add_option("--prompt", o->prompt, "Tokens of the prompt (default 512)")
      ->check(count)
      ->option_text("N");
  app->add_option("--rounds", o->rounds,
                  "Prompts to try, in turns with peaks; the best of each counts (default 3)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1000}))
      ->option_text("N");
  app->add_option("-n,--tokens", o->tokens, "Steps to decode in every case (default 32)")
      ->check(count)
      ->option_text("N");
  app->add_option("--depths", o->depths, "Tokens before the decoded ones (default 0,2048)")
      ->delimiter(',')
      ->check(at_least_zero())
      ->option_text("N,...");
  app->add_option("--sequences", o->sequences, "Sequences decoded at once (default 1,4,16)")
      ->delimiter(',')
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 16))
      ->option_text("N,...");
  app->add_option("--seed", o->seed, "Of the random token ids (default 0)")
      ->check(whole_number())
      ->option_text("S");
  app->footer(
      "Examples:\n  nestor bench MODEL\n  nestor bench MODEL --threads 1 --depths 0 --sequences 1 -n 64");
  return {app,
          [o, app, &engine] {
            return Benchmark(*o, engine, app->count("--depths") == 0 ? Depths::that_fit : Depths::as_given)
                .execute();
          },
          engine_options()};
}

}  // namespace nestor::app
