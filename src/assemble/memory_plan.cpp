#include "assemble/memory_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "assemble/planned_memory.h"
#include "base/error.h"
#include "checkpoint/inventory.h"
#include "config/budget.h"

namespace nestor::assemble {
namespace {

using config::Part;
using config::Storage;

// Bytes of a value in q8 and q4: a block of 64 codes and a scale of two bytes.
constexpr double kBytesQ8 = 66.0 / 64, kBytesQ4 = 34.0 / 64;

// The smaller of `stored` and, for a matrix, its size in blocks of so many bytes a value.
std::uint64_t bytes_in_blocks(const config::TensorInfo& tensor, std::uint64_t stored, double bytes) {
  if (tensor.storage != Storage::matrix && tensor.storage != Storage::projection) return stored;
  return std::min(stored, static_cast<std::uint64_t>(static_cast<double>(tensor.elements()) * bytes));
}

// Floats that one row takes at the widest places of a layer.
double floats_of_row(const config::ModelConfig& c) {
  const auto real = [](std::int64_t n) { return static_cast<double>(n); };
  const std::int64_t latent = c.kv_lora_rank, record = latent + c.qk_rope_head_dim;
  const double attention = real(c.num_attention_heads * (record + latent + c.v_head_dim + c.qk_head_dim()) +
                                record + c.q_lora_rank);
  const double picks = real(std::min(c.moe_topk, c.n_routed_experts));
  const double experts = picks * real(2 * c.hidden_size + c.expert_ffn_hidden_size);
  const double dense = real(2 * c.ffn_hidden_size);
  const double residual = real(5 * c.hidden_size) + (c.per_layer ? real(c.ffn_hidden_size) : 0);
  return residual + std::max({attention, experts, dense});
}

// Which formats of the weights leave room for the working memory.
std::string formats_that_fit(const MemoryPlan& plan) {
  std::string text;
  const auto offer = [&](const char* format, std::uint64_t bytes) {
    if (bytes >= plan.weights || bytes + plan.working > plan.system.total) return;
    text += fmt::format("{}--weights {} (about {})", text.empty() ? "" : " or ", format, bytes_text(bytes));
  };
  offer("q8", plan.weights_q8);
  offer("q4", plan.weights_q4);
  if (text.empty()) return "no format of weights makes it fit";
  return "nestor convert with " + text + " makes it fit";
}

}  // namespace

std::uint64_t MemoryPlan::cache_room() const {
  if (working + weights < system.available) return system.available - working - weights;
  return system.available - std::min(system.available, working);
}

std::int64_t MemoryPlan::most_tokens() const {
  return static_cast<std::int64_t>(cache_room() / cache_per_token);
}

MemoryPlan plan_memory(const config::ModelConfig& c, const checkpoint::Checkpoint& files,
                       model::CacheFormat cache_format, const SystemMemory& system) {
  const auto stored = [&](const config::TensorInfo& tensor) {
    std::uint64_t bytes = 0;
    for (const auto* part : checkpoint::stored_parts(files, tensor)) bytes += part->entry->bytes;
    return bytes;
  };
  return plan_memory(c, checkpoint::layout_of(c, files), stored, cache_format, system);
}

MemoryPlan plan_memory(const config::ModelConfig& c, const config::NameLayout& layout,
                       const StoredBytes& stored, model::CacheFormat cache_format,
                       const SystemMemory& system) {
  config::Tally whole, q8, q4;
  config::for_each_tensor(c, layout, [&](const config::TensorInfo& tensor) {
    const std::uint64_t bytes = stored(tensor);
    // Sensitive matrices stay at eight bits; these two parts are most of them.
    const bool sensitive = tensor.slot.part == Part::head || tensor.slot.part == Part::ngram_projection;
    whole.add(tensor, bytes);
    q8.add(tensor, bytes_in_blocks(tensor, bytes, kBytesQ8));
    q4.add(tensor, bytes_in_blocks(tensor, bytes, sensitive ? kBytesQ8 : kBytesQ4));
  });
  MemoryPlan plan;
  plan.weights = whole.weights();
  plan.weights_q8 = q8.weights();
  plan.weights_q4 = q4.weights();
  plan.word_rows = whole.of(Part::word_embedding);
  plan.ngram_rows = whole.of(Part::ngram_table) + whole.of(Part::layer_table);
  plan.draft = whole.of(Part::draft);
  // Blocks of working memory double: together they take one to three times what is in use.
  constexpr double kSlack = 2;
  const double row = floats_of_row(c) * sizeof(float);
  plan.working = static_cast<std::uint64_t>(kSlack * row * MemoryPlan::working_rows +
                                            sizeof(float) * static_cast<double>(c.vocab_size));
  plan.cache_per_token = static_cast<std::uint64_t>(model::cache_bytes_per_token(c, cache_format));
  plan.system = system;
  return plan;
}

void check_memory(const MemoryPlan& plan, std::int64_t asked_context, Oversize oversize) {
  if (plan.weights + plan.working > plan.system.total && oversize == Oversize::refused) {
    fail(
        ErrorKind::limit,
        "the weights take {} and working memory about {}, and {} is all that this process may have: {}; with "
        "--larger-than-memory it runs as it is, every token reading from disk",
        bytes_text(plan.weights), bytes_text(plan.working), bytes_text(plan.system.total),
        formats_that_fit(plan));
  }
  if (plan.working > plan.system.available) {
    fail(ErrorKind::limit, "working memory of about {} is needed, and {} are available: end other programs",
         bytes_text(plan.working), bytes_text(plan.system.available));
  }
  if (asked_context > plan.most_tokens()) {
    fail(ErrorKind::limit,
         "a context of {} tokens takes {} beside {} of weights and working memory, and {} are available: {} "
         "tokens fit (--ctx); in bf16 a token takes half as much as in f32, in q8 about a quarter (--dtype)",
         asked_context, bytes_text(static_cast<std::uint64_t>(asked_context) * plan.cache_per_token),
         bytes_text(plan.weights + plan.working), bytes_text(plan.system.available), plan.most_tokens());
  }
}

std::string memory_table(const MemoryPlan& plan) {
  std::string text = "memory\n";
  const auto line = [&](std::string_view what, std::uint64_t bytes, std::string_view how) {
    if (bytes > 0) text += fmt::format("  {:<26}{:>11}  {}\n", what, bytes_text(bytes), how);
  };
  line("weights", plan.weights, "mapped from the files, shared between processes");
  line("rows of words", plan.word_rows, "on disk; those in use stay in the page cache");
  line("rows of n-grams", plan.ngram_rows, "on disk; those in use stay in the page cache");
  line("draft block", plan.draft, "on disk; read by those who draft with it");
  line("working memory, about", plan.working,
       fmt::format("of forward passes of {} tokens", MemoryPlan::working_rows));
  line("latent cache of a token", plan.cache_per_token,
       fmt::format("grows as it is used; {} tokens fit", plan.most_tokens()));
  line("available", plan.system.available, fmt::format("of {}", bytes_text(plan.system.total)));
  if (plan.weights + plan.working > plan.system.available) {
    text += "  The weights do not all fit what is available: parts are read from disk again and again.\n";
  }
  text.pop_back();
  return text;
}

}  // namespace nestor::assemble
