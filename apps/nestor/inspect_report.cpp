#include "inspect_report.h"

#include <fmt/format.h>

#include "assemble/engine.h"
#include "checkpoint/inventory.h"

namespace nestor::app {
namespace {

using config::Part;

std::string grouped(std::int64_t n) {
  std::string text = std::to_string(n);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), ",");
  }
  return text;
}

std::string billions(std::int64_t n) {
  const auto x = static_cast<double>(n);
  if (n >= 1'000'000'000) return fmt::format("{:.2f} B", x / 1e9);
  if (n >= 1'000'000) return fmt::format("{:.2f} M", x / 1e6);
  return fmt::format("{:.1f} k", x / 1e3);
}

std::uint64_t stored_bytes(const checkpoint::Checkpoint& files, const std::string& name) {
  std::uint64_t bytes = 0;
  for (const std::string& each : {name, name + std::string(config::kScaleSuffix)}) {
    if (const auto* tensor = files.find(each)) bytes += tensor->entry->bytes;
  }
  return bytes;
}

double share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string draft_text(const Inspection& found) {
  if (found.layout.draft == config::NameLayout::Draft::present) return "present (kept for drafting)";
  if (found.files == nullptr) return "not asked for by config.json";
  return found.config.num_nextn_predict_layers > 0 ? "asked for by config.json, not in the files" : "none";
}

std::string shape_lines(const config::ModelConfig& c) {
  std::string out;
  const auto line = [&](const char* name, const std::string& value) {
    out += fmt::format("  {:<22}{}\n", name, value);
  };
  line("layers", fmt::format("{} shortcut layers ({} attentions)", c.num_layers, c.attentions()));
  line("hidden, vocabulary", fmt::format("{}, {}", grouped(c.hidden_size), grouped(c.vocab_size)));
  line("attention",
       fmt::format("{} heads; q_lora_rank {}, kv_lora_rank {}; nope {}, rope {}, v {}", c.num_attention_heads,
                   c.q_lora_rank, c.kv_lora_rank, c.qk_nope_head_dim, c.qk_rope_head_dim, c.v_head_dim));
  line("mixture",
       fmt::format("{} experts of {} + {} identity, top-{}, factor {}", c.n_routed_experts,
                   c.expert_ffn_hidden_size, c.zero_expert_num, c.moe_topk, c.routed_scaling_factor));
  line("dense MLP", fmt::format("{}", c.ffn_hidden_size));
  if (c.ngram) {
    line("N-gram Embedding",
         fmt::format("N {}, K {}: {} tables of {} to {} rows of {} (ratio {})", c.ngram->order,
                     c.ngram->splits, c.ngram->tables(), grouped(c.ngram->rows(0)),
                     grouped(c.ngram->rows(c.ngram->tables() - 1)), c.hidden_size / c.ngram->tables(),
                     c.ngram->ratio));
  } else {
    line("N-gram Embedding", "none");
  }
  const std::string rope =
      c.yarn ? fmt::format(", YaRN {}x over {}", c.yarn->factor, c.yarn->original_max_position_embeddings)
             : "";
  line("positions", fmt::format("{}; theta {}{}", grouped(c.max_position_embeddings), c.rope_theta, rope));
  return out;
}

// The facts that the configuration came to, defaults filled in.
Json config_json(const config::ModelConfig& c) {
  Json out = {{"vocab_size", c.vocab_size},
              {"hidden_size", c.hidden_size},
              {"num_layers", c.num_layers},
              {"num_attention_heads", c.num_attention_heads},
              {"q_lora_rank", c.q_lora_rank},
              {"kv_lora_rank", c.kv_lora_rank},
              {"qk_nope_head_dim", c.qk_nope_head_dim},
              {"qk_rope_head_dim", c.qk_rope_head_dim},
              {"v_head_dim", c.v_head_dim},
              {"ffn_hidden_size", c.ffn_hidden_size},
              {"expert_ffn_hidden_size", c.expert_ffn_hidden_size},
              {"n_routed_experts", c.n_routed_experts},
              {"zero_expert_num", c.zero_expert_num},
              {"moe_topk", c.moe_topk},
              {"routed_scaling_factor", c.routed_scaling_factor},
              {"rms_norm_eps", c.rms_norm_eps},
              {"latent_norm_eps", c.latent_norm_eps},
              {"rope_theta", c.rope_theta},
              {"max_position_embeddings", c.max_position_embeddings},
              {"eos_token_id", c.eos_token_ids}};
  if (c.ngram) {
    Json rows = Json::array();
    for (std::int64_t i = 0; i < c.ngram->tables(); ++i) rows.push_back(c.ngram->rows(i));
    out["ngram"] = {{"emb_neighbor_num", c.ngram->order},
                    {"emb_split_num", c.ngram->splits},
                    {"ngram_vocab_size_ratio", c.ngram->ratio},
                    {"rows", std::move(rows)},
                    {"row_width", c.hidden_size / c.ngram->tables()}};
  }
  if (c.yarn) {
    out["yarn"] = {{"factor", c.yarn->factor},
                   {"original_max_position_embeddings", c.yarn->original_max_position_embeddings}};
  }
  return out;
}

}  // namespace

Inspection inspect(const std::filesystem::path& path, const config::AcceptedKeys& accepted) {
  Inspection found;
  found.name = path.string();
  found.config = assemble::open_config(path, accepted);
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    found.files = std::make_shared<const checkpoint::Checkpoint>(path);
    found.layout = checkpoint::layout_of(found.config, *found.files);
    checkpoint::check_inventory(found.config, found.layout, *found.files);
    config::for_each_tensor(found.config, found.layout, [&](const config::TensorInfo& tensor) {
      found.bytes[static_cast<std::size_t>(tensor.part)] += stored_bytes(*found.files, tensor.name);
    });
  } else if (found.config.num_nextn_predict_layers > 0) {
    found.layout.draft = config::NameLayout::Draft::present;
  }
  found.footprint = config::footprint_of(found.config, found.layout);
  return found;
}

std::string text_report(const Inspection& found) {
  const config::Footprint& f = found.footprint;
  std::string out =
      fmt::format("{}: {}\n{}\n", found.name, found.config.architecture, shape_lines(found.config));
  const std::int64_t everything = f.total + f.of(Part::draft);
  out += fmt::format("  {:<22}{:>18}{:>9}{}\n", "part", "parameters", "share",
                     found.files ? "            bytes" : "");
  for (std::size_t i = 0; i < config::kParts; ++i) {
    const std::int64_t n = f.parameters[i];
    if (n == 0) continue;
    out += fmt::format("  {:<22}{:>18}{:>8.1f}%", config::name_of(static_cast<Part>(i)), grouped(n),
                       100 * share(n, everything));
    if (found.files) out += fmt::format("{:>17}", grouped(static_cast<std::int64_t>(found.bytes[i])));
    out += '\n';
  }
  out += fmt::format("\n  {:<22}{} ({}), draft block not counted\n", "total", grouped(f.total),
                     billions(f.total));
  out += fmt::format("  {:<22}{} ({}), {:.1f}% of the total\n", "n-gram", grouped(f.ngram), billions(f.ngram),
                     100 * share(f.ngram, f.total));
  out += fmt::format("  {:<22}{} to {} per token, by how many choices are identity experts\n", "activated",
                     billions(f.activated_min), billions(f.activated_max));
  out += fmt::format("  {:<22}{} values per token ({} bytes in f32, {} in bf16)\n", "latent cache",
                     grouped(config::cached_values_per_token(found.config)),
                     grouped(4 * config::cached_values_per_token(found.config)),
                     grouped(2 * config::cached_values_per_token(found.config)));
  out += fmt::format("  {:<22}{}\n", "draft block (MTP)", draft_text(found));
  if (found.files) {
    out += fmt::format("  {:<22}{} tensors, {} bytes\n", "files",
                       grouped(static_cast<std::int64_t>(found.files->tensors().size())),
                       grouped(static_cast<std::int64_t>(found.files->file_bytes())));
  }
  return out;
}

Json json_report(const Inspection& found) {
  const config::ModelConfig& c = found.config;
  const config::Footprint& f = found.footprint;
  Json out;
  out["model"] = found.name;
  out["architecture"] = c.architecture;
  out["config"] = config_json(c);
  Json by_part = Json::object();
  Json bytes = Json::object();
  for (std::size_t i = 0; i < config::kParts; ++i) {
    const std::string name(config::name_of(static_cast<Part>(i)));
    if (f.parameters[i] == 0) continue;
    by_part[name] = f.parameters[i];
    if (found.files) bytes[name] = found.bytes[i];
  }
  out["parameters"] = {{"total", f.total},
                       {"ngram", f.ngram},
                       {"ngram_share", share(f.ngram, f.total)},
                       {"activated_min", f.activated_min},
                       {"activated_max", f.activated_max},
                       {"draft", f.of(Part::draft)},
                       {"with_draft", f.total + f.of(Part::draft)},
                       {"by_part", by_part}};
  out["cache_values_per_token"] = config::cached_values_per_token(c);
  out["draft"] = {{"present", found.layout.draft == config::NameLayout::Draft::present},
                  {"note", draft_text(found)}};
  if (!found.files) return out;
  out["bytes"] = {{"files", found.files->file_bytes()}, {"by_part", bytes}};
  Json tensors = Json::array();
  for (const auto& [name, tensor] : found.files->tensors()) {
    tensors.push_back({{"name", name},
                       {"dtype", std::string(name_of(tensor.entry->dtype))},
                       {"shape", tensor.entry->shape},
                       {"bytes", tensor.entry->bytes},
                       {"file", tensor.file->path().filename().string()}});
  }
  out["tensors"] = std::move(tensors);
  return out;
}

}  // namespace nestor::app
