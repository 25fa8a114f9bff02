#include "recipe/presets.h"

#include <fmt/ranges.h>

#include "base/error.h"

namespace nestor::recipe {
namespace {

// About a minute on two processors: every part of the architecture, small.
constexpr const char* kSmoke = R"({
  "name": "smoke",
  "model": {
    "config": {
      "vocab_size": 4096, "hidden_size": 96, "num_layers": 1, "max_position_embeddings": 1024,
      "num_attention_heads": 4, "q_lora_rank": 48, "kv_lora_rank": 32,
      "qk_nope_head_dim": 16, "qk_rope_head_dim": 8, "v_head_dim": 24,
      "ffn_hidden_size": 256, "expert_ffn_hidden_size": 48,
      "n_routed_experts": 8, "zero_expert_num": 4, "moe_topk": 3, "routed_scaling_factor": 3.0,
      "emb_neighbor_num": 4, "emb_split_num": 2, "ngram_vocab_size_ratio": 6.5
    }
  },
  "tables": {"learning_rate_factor": 5},
  "schedule": {"steps": 300, "warmup_steps": 20},
  "data": {
    "tokenizer": "story",
    "train": ["text/books.jsonl.xz"],
    "window": 256, "rows": 8
  },
  "reporting": {"log_every": 10, "evaluate_every": 100, "evaluate_tokens": 16384, "save_every": 100}
})";

// The bundled model; how the recipe was chosen stands in study/LOG.md, the command in assets/story/README.md.
constexpr const char* kStory = R"({
  "name": "story",
  "model": {
    "config": {
      "vocab_size": 4096, "hidden_size": 256, "num_layers": 2, "max_position_embeddings": 2048,
      "num_attention_heads": 8, "q_lora_rank": 128, "kv_lora_rank": 64,
      "qk_nope_head_dim": 24, "qk_rope_head_dim": 16, "v_head_dim": 32,
      "ffn_hidden_size": 640, "expert_ffn_hidden_size": 128,
      "n_routed_experts": 16, "zero_expert_num": 8, "moe_topk": 4, "routed_scaling_factor": 4.0,
      "emb_neighbor_num": 3, "emb_split_num": 2, "ngram_vocab_size_ratio": 8
    }
  },
  "tables": {"learning_rate_factor": 5},
  "schedule": {"steps": 5500, "warmup_steps": 200},
  "data": {
    "tokenizer": "story",
    "train": ["text/books.jsonl.xz", "text/conversations.jsonl.xz"],
    "window": 512, "rows": 8
  },
  "reporting": {"log_every": 10, "evaluate_every": 500, "evaluate_tokens": 65536, "save_every": 250}
})";

}  // namespace

std::vector<std::string> preset_names() { return {"smoke", "story", "smoke-vanilla", "story-vanilla"}; }

Json preset(const std::string& name) {
  constexpr std::string_view kTwin = "-vanilla";
  const bool twin = name.ends_with(kTwin);
  const std::string base = twin ? name.substr(0, name.size() - kTwin.size()) : name;
  if (base != "smoke" && base != "story") {
    fail(ErrorKind::usage, "there is no recipe {}: expected a JSON file or one of {}", in_quotes(name),
         fmt::join(preset_names(), ", "));
  }
  Json json = parse_json(base == "smoke" ? kSmoke : kStory, "preset " + base);
  json["name"] = name;
  if (twin) json["model"]["vanilla"] = true;
  return json;
}

}  // namespace nestor::recipe
