#include "recipe/field_visitor.h"

#include <array>

namespace nestor::recipe {
namespace {

constexpr std::int64_t kMany = std::int64_t{1} << 40;

template <typename Enum, std::size_t n>
void visit_choice(FieldVisitor& v, const char* key, const std::array<const char*, n>& names, Enum& value) {
  int place = static_cast<int>(value);
  v.choice(key, names, place);
  value = static_cast<Enum>(place);
}

void visit(Modeling& m, FieldVisitor& v) {
  v.config("config", m.config_json);
  visit_choice(v, "amplification", std::array{"none", "sqrt_d", "layer_norm"}, m.amplification);
  v.boolean("draft", m.draft);
  v.number("draft_loss_weight", m.draft_loss_weight, 0, 100);
  v.number("draft_fraction", m.draft_fraction, 0, 1);
  v.boolean("vanilla", m.vanilla);
  v.number("init_std", m.init_std, 0, 10);
  v.number("word_table_std", m.word_table_std, 0, 10);
  v.number("ngram_table_std", m.ngram_table_std, 0, 10);
}

void visit(Routing& r, FieldVisitor& v) {
  v.number("bias_rate", r.bias_rate, 0, 10);
  v.number("ffn_experts_wanted", r.ffn_experts_wanted, 0, 1e5);
  v.number("balance_loss", r.balance_loss, 0, 100);
  v.integer("balance_groups", r.balance_groups, 1, 1 << 16);
  v.number("hidden_z_loss", r.hidden_z_loss, 0, 100);
}

void visit(TableOptimizer& t, FieldVisitor& v) {
  visit_choice(v, "kind", std::array{"row_adam", "row_adagrad", "adam"}, t.kind);
  v.number("learning_rate_factor", t.learning_rate_factor, 0, 1e6);
  v.number("beta1", t.beta1, 0, 1);
  v.number("beta2", t.beta2, 0, 1);
  v.number("epsilon", t.epsilon, 0, 1);
  visit_choice(v, "storage", std::array{"resident", "mapped"}, t.storage);
  visit_choice(v, "numbers", std::array{"f32", "bf16"}, t.numbers);
}

void visit(DenseOptimizer& d, FieldVisitor& v) {
  visit_choice(v, "kind", std::array{"adamw", "muon"}, d.kind);
  v.number("learning_rate", d.learning_rate, 0, 100);
  v.number("muon_learning_rate", d.muon_learning_rate, 0, 100);
  v.number("muon_momentum", d.muon_momentum, 0, 1);
  v.number("router_learning_rate_factor", d.router_learning_rate_factor, 0, 1e6);
  v.number("head_learning_rate_factor", d.head_learning_rate_factor, 0, 1e6);
  v.number("beta1", d.beta1, 0, 1);
  v.number("beta2", d.beta2, 0, 1);
  v.number("epsilon", d.epsilon, 0, 1);
  v.number("weight_decay", d.weight_decay, 0, 1e3);
  v.number("clip_norm", d.clip_norm, 0, 1e9);
}

void visit(Schedule& s, FieldVisitor& v) {
  visit_choice(v, "kind", std::array{"constant", "cosine", "wsd"}, s.kind);
  v.integer("steps", s.steps, 1, kMany);
  v.integer("warmup_steps", s.warmup_steps, 0, kMany);
  v.number("decay_from", s.decay_from, 0, 1);
  v.number("final_fraction", s.final_fraction, 0, 1);
}

void visit(Data& d, FieldVisitor& v) {
  v.text("tokenizer", d.tokenizer);
  v.texts("train", d.train);
  v.texts("heldout", d.heldout);
  v.integer("window", d.window, 2, 1 << 24);
  v.integer("rows", d.rows, 1, 1 << 20);
}

void visit(Reporting& r, FieldVisitor& v) {
  v.integer("log_every", r.log_every, 1, kMany);
  v.integer("evaluate_every", r.evaluate_every, 1, kMany);
  v.integer("evaluate_tokens", r.evaluate_tokens, 0, kMany);
  v.integer("save_every", r.save_every, 1, kMany);
}

}  // namespace

void visit_fields(Recipe& r, FieldVisitor& v) {
  v.text("name", r.name);
  auto seed = static_cast<std::int64_t>(r.seed);
  v.integer("seed", seed, 0, INT64_MAX);
  r.seed = static_cast<std::uint64_t>(seed);
  v.text("device", r.device);
  std::int64_t threads = r.threads;
  v.integer("threads", threads, 0, 1024);
  r.threads = static_cast<int>(threads);
  visit_choice(v, "products", std::array{"measured", "f32", "bf16"}, r.products);
  v.section("model", [&](FieldVisitor& inner) { visit(r.model, inner); });
  v.section("routing", [&](FieldVisitor& inner) { visit(r.routing, inner); });
  v.section("tables", [&](FieldVisitor& inner) { visit(r.tables, inner); });
  v.section("dense", [&](FieldVisitor& inner) { visit(r.dense, inner); });
  v.section("schedule", [&](FieldVisitor& inner) { visit(r.schedule, inner); });
  v.section("data", [&](FieldVisitor& inner) { visit(r.data, inner); });
  v.section("reporting", [&](FieldVisitor& inner) { visit(r.reporting, inner); });
}

}  // namespace nestor::recipe
