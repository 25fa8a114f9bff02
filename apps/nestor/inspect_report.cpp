#include "inspect_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "base/error.h"
#include "base/excerpt.h"
#include "base/printable.h"
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

// Adds a tensor of the list, and its scales, as the files have them.
void add_stored(Inspection& found, const config::TensorInfo& tensor) {
  for (const auto* stored : checkpoint::stored_parts(*found.files, tensor)) {
    found.tensors.push_back({stored->entry->name, stored->entry->dtype, stored->entry->shape,
                             stored->entry->bytes, stored->file->path().filename().string()});
    found.bytes.add(tensor, stored->entry->bytes);
  }
}

// The same as a new checkpoint would have it.
void add_planned(Inspection& found, const config::TensorInfo& tensor) {
  const auto add = [&](const std::string& name, DType dtype, std::vector<std::int64_t> shape) {
    std::uint64_t bytes = size_of(dtype);
    for (const std::int64_t d : shape) bytes *= static_cast<std::uint64_t>(d);
    found.tensors.push_back({name, dtype, std::move(shape), bytes, ""});
    found.bytes.add(tensor, bytes);
  };
  const DType dtype = config::published_dtype(found.config, tensor);
  add(tensor.name, dtype, {tensor.shape.begin(), tensor.shape.begin() + tensor.rank});
  if (dtype == DType::f8_e4m3) {
    add(config::scale_name(tensor.name), DType::f32, config::scale_shape(tensor));
  }
}

bool has_weights(const std::filesystem::path& folder) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) return false;
  const std::filesystem::directory_iterator files(folder, error);
  return std::any_of(begin(files), end(files),
                     [](const auto& entry) { return entry.path().extension() == ".safetensors"; });
}

// "model.layers.3.mlp" to "model.layers.*.mlp": tensors that differ in numbers only are listed as one line.
std::string pattern_of(const std::string& name) {
  std::string pattern;
  for (const char c : name) {
    const bool digit = c >= '0' && c <= '9';
    const bool numbered = !pattern.empty() && (pattern.back() == '.' || pattern.back() == '*');
    if (!digit || !numbered) {
      pattern += c;
    } else if (pattern.back() == '.') {
      pattern += '*';
    }
  }
  return pattern;
}

std::string tensor_lines(const Inspection& found) {
  std::map<std::tuple<std::string, std::string, std::string>, std::pair<std::size_t, std::int64_t>> groups;
  for (const TensorLine& t : found.tensors) {
    const auto key =
        std::make_tuple(pattern_of(t.name), checkpoint::shape_text(t.shape), std::string(name_of(t.dtype)));
    ++groups.try_emplace(key, groups.size(), 0).first->second.second;
  }
  std::vector<std::string> lines(groups.size());
  for (const auto& [key, place] : groups) {
    const auto& [pattern, shape, dtype] = key;
    lines[place.first] = fmt::format("  {:>6} x {:<62} {:<8} {}\n", place.second, pattern, dtype, shape);
  }
  return fmt::format("{}", fmt::join(lines, ""));
}

double share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string draft_text(const Inspection& found) {
  if (found.layout.draft == config::NameLayout::Draft::present) return "present (kept for drafting)";
  if (found.files == nullptr) return "not asked for by config.json";
  return found.config.num_nextn_predict_layers > 0 ? "asked for by config.json, not in the files" : "none";
}

// `width` is the width of the embedding that the tables add up to.
std::string ngram_text(const config::NgramSpec& n, std::int64_t width) {
  return fmt::format("N {}, K {}: {} tables of {} to {} rows of {} (ratio {})", n.order, n.splits, n.tables(),
                     grouped(n.rows(0)), grouped(n.rows(n.tables() - 1)), width / n.tables(), n.ratio);
}

std::string per_layer_text(const config::ModelConfig& c) {
  const config::PerLayerEmbedding& e = *c.per_layer;
  const std::string tables = e.ngram ? "; " + ngram_text(*e.ngram, c.ffn_hidden_size) : "";
  return fmt::format("{} of width {} in MLP {} of every layer{}", e.ngram ? "n-grams" : "words",
                     grouped(c.ffn_hidden_size), e.mlp, tables);
}

Json ngram_json(const config::NgramSpec& n, std::int64_t width) {
  Json rows = Json::array();
  for (std::int64_t i = 0; i < n.tables(); ++i) rows.push_back(n.rows(i));
  return {{"emb_neighbor_num", n.order},
          {"emb_split_num", n.splits},
          {"ngram_vocab_size_ratio", n.ratio},
          {"rows", std::move(rows)},
          {"row_width", width / n.tables()}};
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
  line("N-gram Embedding", c.ngram ? ngram_text(*c.ngram, c.hidden_size) : "none");
  if (c.embedding_norm == config::EmbeddingNorm::layer_norm) line("amplification", "layer norm");
  if (c.per_layer) line("per-layer embedding", per_layer_text(c));
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
  if (c.ngram) out["ngram"] = ngram_json(*c.ngram, c.hidden_size);
  if (c.embedding_norm == config::EmbeddingNorm::layer_norm) out["embedding_amplification"] = "layer_norm";
  if (c.per_layer) {
    out["per_layer_embedding"] = c.per_layer->ngram ? ngram_json(*c.per_layer->ngram, c.ffn_hidden_size)
                                                    : Json{{"row_width", c.ffn_hidden_size}};
    out["per_layer_embedding"]["kind"] = c.per_layer->ngram ? "plne" : "ple";
    out["per_layer_embedding"]["mlp"] = c.per_layer->mlp;
  }
  if (c.yarn) {
    out["yarn"] = {{"factor", c.yarn->factor},
                   {"original_max_position_embeddings", c.yarn->original_max_position_embeddings}};
  }
  return out;
}

// The tensors, and what they add up to.
void fill(Inspection& found) {
  config::for_each_tensor(found.config, found.layout, [&](const config::TensorInfo& tensor) {
    if (found.files) {
      add_stored(found, tensor);
    } else {
      add_planned(found, tensor);
    }
  });
  found.footprint = config::footprint_of(found.config, found.layout);
}

}  // namespace

Inspection inspect(assemble::OpenedModel& model) {
  const std::string name = model.path().string();
  if (!has_weights(model.path())) return inspect(name, model.config());
  Inspection found;
  found.name = name;
  found.config = model.config();
  found.files = &model.files();
  found.layout = checkpoint::layout_of(found.config, *found.files);
  checkpoint::check_inventory(found.config, found.layout, *found.files, checkpoint::Encoded::accepted);
  fill(found);
  return found;
}

Inspection inspect(const std::string& name, const config::ModelConfig& config) {
  Inspection found;
  found.name = name;
  found.config = config;
  if (config.num_nextn_predict_layers > 0) found.layout.draft = config::NameLayout::Draft::present;
  fill(found);
  return found;
}

std::string text_report(const Inspection& found) {
  const config::Footprint& f = found.footprint;
  std::string out = fmt::format("{}: {}\n{}\n", printable(found.name), found.config.architecture,
                                shape_lines(found.config));
  const std::int64_t everything = f.total + f.of(Part::draft);
  out += fmt::format("  {:<22}{:>18}{:>9}{:>18}\n", "part", "parameters", "share", "bytes");
  for (std::size_t i = 0; i < config::kParts; ++i) {
    const std::int64_t n = f.parameters[i];
    if (n == 0) continue;
    out += fmt::format("  {:<22}{:>18}{:>8.1f}%{:>18}\n", config::name_of(static_cast<Part>(i)), grouped(n),
                       100 * share(n, everything),
                       grouped(static_cast<std::int64_t>(found.bytes.of(static_cast<Part>(i)))));
  }
  out += fmt::format("\n  {:<22}{} ({}), draft block not counted\n", "total", grouped(f.total),
                     billions(f.total));
  out += fmt::format("  {:<22}{} ({}), {:.1f}% of the total\n", "n-gram", grouped(f.ngram), billions(f.ngram),
                     100 * share(f.ngram, f.total));
  if (f.per_layer > 0) {
    out += fmt::format("  {:<22}{} ({}), {:.1f}% of the total\n", "per-layer", grouped(f.per_layer),
                       billions(f.per_layer), 100 * share(f.per_layer, f.total));
  }
  out += fmt::format("  {:<22}{} to {} per token, by how many choices are identity experts\n", "activated",
                     billions(f.activated_min), billions(f.activated_max));
  const auto cache = [&](model::CacheFormat format) {
    return grouped(model::cache_bytes_per_token(found.config, format));
  };
  out += fmt::format("  {:<22}{} values per token ({} bytes in f32, {} in bf16, {} in q8)\n", "latent cache",
                     grouped(config::cached_values_per_token(found.config)), cache(model::CacheFormat::f32),
                     cache(model::CacheFormat::bf16), cache(model::CacheFormat::q8));
  if (found.config.quantization) {
    const config::QuantizationSpec& q = *found.config.quantization;
    out += fmt::format("  {:<22}weights {}, tables {}{}\n", "quantized", q.weights, q.tables,
                       q.keep.empty() ? "" : printable(fmt::format(", except {}", fmt::join(q.keep, ", "))));
  }
  out += fmt::format("  {:<22}{}\n", "draft block (MTP)", draft_text(found));
  out += fmt::format("  {:<22}{} in {} tensors\n\n", found.files ? "bytes stored" : "bytes if written",
                     grouped(static_cast<std::int64_t>(found.bytes.total())),
                     grouped(static_cast<std::int64_t>(found.tensors.size())));
  if (found.files && !found.files->unused_files().empty()) {
    out += fmt::format("  not in the index, and not read: {}\n\n", excerpt(found.files->unused_files()));
  }
  out += tensor_lines(found);
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
    bytes[name] = found.bytes.of(static_cast<Part>(i));
  }
  out["parameters"] = {{"total", f.total},
                       {"ngram", f.ngram},
                       {"ngram_share", share(f.ngram, f.total)},
                       {"per_layer", f.per_layer},
                       {"activated_min", f.activated_min},
                       {"activated_max", f.activated_max},
                       {"draft", f.of(Part::draft)},
                       {"with_draft", f.total + f.of(Part::draft)},
                       {"by_part", by_part}};
  if (c.quantization) {
    out["quantization"] = {{"weights", c.quantization->weights},
                           {"tables", c.quantization->tables},
                           {"keep", c.quantization->keep}};
  }
  out["cache_values_per_token"] = config::cached_values_per_token(c);
  out["draft"] = {{"present", found.layout.draft == config::NameLayout::Draft::present},
                  {"note", draft_text(found)}};
  out["weights_present"] = found.files != nullptr;
  out["bytes"] = {{"total", found.bytes.total()}, {"by_part", bytes}};
  if (found.files) out["bytes"]["files"] = found.files->file_bytes();
  if (found.files) out["unused_files"] = found.files->unused_files();
  Json tensors = Json::array();
  for (const TensorLine& tensor : found.tensors) {
    Json line = {{"name", tensor.name},
                 {"dtype", std::string(name_of(tensor.dtype))},
                 {"shape", tensor.shape},
                 {"bytes", tensor.bytes}};
    if (found.files) line["file"] = tensor.file;
    tensors.push_back(std::move(line));
  }
  out["tensors"] = std::move(tensors);
  return out;
}

}  // namespace nestor::app
