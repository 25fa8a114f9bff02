#include "train/loop/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/error.h"
#include "base/memory.h"
#include "config/budget.h"
#include "config/footprint.h"
#include "train/modules/table_spec.h"
#include "train/tables/row_format.h"

namespace nestor::train {
namespace {

using config::Part;
using config::Storage;

config::NameLayout layout_of(const recipe::Recipe& recipe) {
  config::NameLayout layout;
  if (recipe.model.draft) layout.draft = config::NameLayout::Draft::present;
  return layout;
}

// What one token activates of a part, K_e experts each layer.
double activated(const recipe::Recipe& recipe, const config::Footprint& f, Part part) {
  const config::ModelConfig& c = recipe.model.config;
  const auto all = static_cast<double>(f.of(part));
  switch (part) {
    case Part::word_embedding:
    case Part::ngram_table:
      return 0;  // looked up
    case Part::experts:
      return all * recipe.routing.ffn_experts_wanted / static_cast<double>(c.n_routed_experts);
    default:
      return all;
  }
}

double attention_width(const config::ModelConfig& c) {
  return static_cast<double>(c.num_attention_heads * (c.qk_head_dim() + c.v_head_dim));
}

// Values that the backward pass keeps for one token, counted from the operations of the modules.
double kept_values(const recipe::Recipe& recipe) {
  const config::ModelConfig& c = recipe.model.config;
  const auto h = static_cast<double>(c.hidden_size);
  const double heads = attention_width(c);
  const double attention = 3 * h + 2 * static_cast<double>(c.q_lora_rank + c.kv_lora_rank) + 4 * heads;
  const double dense = 2 * h + 3 * static_cast<double>(c.ffn_hidden_size);
  const double picks = recipe.routing.ffn_experts_wanted;
  const double mixture = 2 * h + picks * (h + 3 * static_cast<double>(c.expert_ffn_hidden_size)) +
                         3 * static_cast<double>(c.routes());
  const double draft = recipe.model.draft ? recipe.model.draft_fraction * (attention + dense + 4 * h) : 0;
  const double embedding = 4 * h;
  return embedding + static_cast<double>(c.num_layers) * (2 * attention + 2 * dense + mixture) + draft;
}

std::uint64_t table_bytes(const recipe::Recipe& recipe) {
  std::uint64_t bytes = 0;
  for (const TableSpec& table : table_specs(recipe.model)) {
    bytes += static_cast<std::uint64_t>(table.rows) * row_format(table.width, recipe.tables).record;
  }
  return bytes;
}

}  // namespace

double flops_per_token(const recipe::Recipe& recipe) {
  config::Pass pass;
  pass.rows = 1;
  pass.positions = static_cast<double>(recipe.data.window) / 2;
  pass.picks = static_cast<double>(recipe.model.config.num_layers) * recipe.routing.ffn_experts_wanted;
  pass.draft_rows = recipe.model.draft ? recipe.model.draft_fraction : 0;
  pass.logits = 1 + pass.draft_rows;
  return 6 *
         operations_of(recipe.model.config, layout_of(recipe), pass, config::AttentionForm::heads).total();
}

MemoryPlan memory_plan(const recipe::Recipe& recipe) {
  const config::ModelConfig& c = recipe.model.config;
  const config::Tally numbers = config::tally(c, layout_of(recipe), [](const config::TensorInfo& tensor) {
    return static_cast<std::uint64_t>(tensor.elements());
  });
  const std::uint64_t dense = numbers.total() - numbers.of(Storage::table);
  // The matrices between hidden vectors: of these, Muon keeps one number each, AdamW of all else two.
  const bool muon = recipe.dense.kind == recipe::DenseOptimizer::Kind::muon;
  const std::uint64_t by_muon = muon ? numbers.of(Storage::projection) : 0;
  const double tokens = static_cast<double>(recipe.data.rows * recipe.data.window);
  // The head works on pieces of the batch; a piece's logits and their gradients are there at once.
  constexpr double kHeadPiece = 1024;
  const double logits = 2 * std::min(tokens, kHeadPiece) * static_cast<double>(c.vocab_size);
  MemoryPlan plan;
  plan.weights = 4 * dense;
  plan.gradients = plan.weights;
  plan.optimizer = 8 * dense - 4 * by_muon;
  plan.tables = table_bytes(recipe);
  const bool mapped = recipe.tables.storage == recipe::TableOptimizer::Storage::mapped;
  plan.resident_tables = mapped ? 0 : plan.tables;
  plan.activations = static_cast<std::uint64_t>(4 * (tokens * kept_values(recipe) + logits));
  return plan;
}

namespace {

// The most rows of a batch, up to the recipe's, that fit; 0 where none does.
std::int64_t most_rows(recipe::Recipe recipe, std::uint64_t available) {
  std::int64_t fit = 0;
  for (std::int64_t too_many = recipe.data.rows + 1; too_many - fit > 1;) {
    recipe.data.rows = fit + (too_many - fit) / 2;
    (memory_plan(recipe).resident() <= available ? fit : too_many) = recipe.data.rows;
  }
  return fit;
}

}  // namespace

void check_memory(const recipe::Recipe& recipe, const MemoryPlan& plan, std::uint64_t available) {
  if (plan.resident() <= available) return;
  std::string advice = "no choice of data.rows does; make the model smaller";
  recipe::Recipe other = recipe;
  if (const auto rows = most_rows(other, available); rows > 0) {
    advice = fmt::format("data.rows={} would", rows);
  } else {
    other.tables.storage = recipe::TableOptimizer::Storage::mapped;
    if (const auto mapped_rows = most_rows(other, available); mapped_rows > 0)
      advice = fmt::format("tables.storage=mapped with data.rows={} would", mapped_rows);
  }
  fail(ErrorKind::limit, "the run needs about {} of memory and {} are available; this does not fit, {}",
       bytes_text(plan.resident()), bytes_text(available), advice);
}

std::string parameter_table(const recipe::Recipe& recipe) {
  const config::Footprint f = config::footprint_of(recipe.model.config, layout_of(recipe));
  std::string text = fmt::format("{:<22}{:>14}{:>14}\n", "parameters", "total", "for a token");
  double all_activated = 0;
  for (std::size_t i = 0; i < config::kParts; ++i) {
    const auto part = static_cast<Part>(i);
    if (f.of(part) == 0) continue;
    const double active = activated(recipe, f, part);
    if (part != Part::draft) all_activated += active;
    text += fmt::format("  {:<20}{:>14}{:>14.0f}\n", config::name_of(part), f.of(part), active);
  }
  return text + fmt::format("  {:<20}{:>14}{:>14.0f}\n", "without the draft", f.total, all_activated);
}

std::string memory_table(const MemoryPlan& plan, std::uint64_t available) {
  std::string text = "memory\n";
  const auto line = [&](std::string_view what, std::uint64_t bytes) {
    text += fmt::format("  {:<32}{:>12}\n", what, bytes_text(bytes));
  };
  line("dense weights", plan.weights);
  line("their gradients", plan.gradients);
  line("their optimizer state", plan.optimizer);
  line(plan.resident_tables == 0 ? "tables and their state (mapped)" : "tables and their state", plan.tables);
  line("activations, about", plan.activations);
  line("in memory at once", plan.resident());
  line("available", available);
  return text;
}

}  // namespace nestor::train
