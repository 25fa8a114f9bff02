#include "plan/fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>

#include "assemble/planned_memory.h"
#include "base/error.h"
#include "config/budget.h"
#include "quant/encoding.h"

namespace nestor::plan {
namespace {

using config::ModelConfig;
using config::Part;
using config::Storage;
using config::TensorInfo;

quant::Format format_of(const ModelConfig& c, const convert::FormatPolicy& policy, const TensorInfo& t) {
  const auto encoding =
      convert::FormatPolicy::applies_to(t) ? policy.encoding_of(t) : std::optional<quant::Encoding>();
  if (encoding) return quant::format_of(*encoding);
  const auto format = quant::format_of(config::published_dtype(c, t));
  if (!format) fail(ErrorKind::unsupported, "{}: no products are known for its number format", t.name);
  return *format;
}

// Matrices of one shape, and how many of them and with how many rows a pass multiplies.
struct Multiplied {
  measure::ProductCase what;
  double matrices = 0;
};

// Experts that a pass of so many rows picks in a layer, if every route is as likely as any other, and with
// how many rows each.
struct Picked {
  double experts = 0, rows = 0;
};

Picked picked_by(const ModelConfig& c, double rows) {
  const double likely = static_cast<double>(c.moe_topk) / static_cast<double>(c.routes());
  Picked picked;
  picked.experts = static_cast<double>(c.n_routed_experts) * -std::expm1(rows * std::log1p(-likely));
  if (c.moe_topk == c.routes()) picked.experts = static_cast<double>(c.n_routed_experts);
  picked.rows = rows * likely * static_cast<double>(c.n_routed_experts) / picked.experts;
  return picked;
}

std::vector<Multiplied> multiplied_by(const ModelConfig& c, const convert::FormatPolicy& policy,
                                      std::int64_t rows) {
  const Picked picked = picked_by(c, static_cast<double>(rows));
  std::map<std::tuple<quant::Format, std::int64_t, std::int64_t, std::int64_t>, double> shapes;
  config::for_each_tensor(c, planned_layout(c), [&](const TensorInfo& t) {
    if (t.rank != 2 || t.storage == Storage::table || t.slot.part == Part::draft) return;
    const bool expert = t.slot.part == Part::experts;
    const double share = expert ? picked.experts / static_cast<double>(c.n_routed_experts) : 1;
    const std::int64_t with = expert ? std::max<std::int64_t>(std::llround(picked.rows), 1)
                              : t.slot.part == Part::head ? 1
                                                          : rows;
    shapes[{format_of(c, policy, t), t.shape[0], t.shape[1], with}] += share;
  });
  std::vector<Multiplied> all;
  for (const auto& [shape, matrices] : shapes) {
    const auto& [format, outputs, inputs, with] = shape;
    all.push_back({{.format = format, .outputs = outputs, .inputs = inputs, .rows = with}, matrices});
  }
  return all;
}

struct PassShape {
  std::int64_t rows = 1, depth = 0;
};

PassCost cost_of(const ModelConfig& c, const FitRequest& request, const Machine& machine, const Fit& fit,
                 const PassShape& pass) {
  const convert::FormatPolicy policy(request.formats);
  std::vector<Multiplied> all = multiplied_by(c, policy, pass.rows);
  PassCost cost;
  double bytes = 0;
  for (const Multiplied& m : all) bytes += m.matrices * static_cast<double>(measure::matrix_bytes(m.what));
  cost.matrix_bytes = static_cast<std::uint64_t>(bytes);
  for (Multiplied& m : all) {
    m.what.footprint = cost.matrix_bytes;
    const double products = m.matrices * static_cast<double>(m.what.outputs * m.what.inputs * m.what.rows);
    cost.products_s += products / machine.product_rate(m.what);
  }
  // One token finds its keys in the latents; a prompt has those of every head.
  const auto rows = static_cast<double>(pass.rows);
  const config::Pass seen = {.rows = rows,
                             .positions = rows * (static_cast<double>(pass.depth) + (rows + 1) / 2)};
  const auto form = pass.rows == 1 ? config::AttentionForm::latent : config::AttentionForm::heads;
  const double attention = config::operations_of(c, planned_layout(c), seen, form).attention;
  const double cache = static_cast<double>(pass.depth) * static_cast<double>(fit.memory.cache_per_token);
  cost.attention_s = attention / machine.fp32_rate + cache / machine.memory_read;
  if (machine.disk_reads) {
    const std::int64_t tables =
        (c.ngram ? c.ngram->tables() : 0) +
        (c.per_layer && c.per_layer->ngram ? c.num_layers * c.per_layer->ngram->tables() : 0);
    cost.rows_s = rows * static_cast<double>(tables) * (1 - fit.cached_rows) / *machine.disk_reads;
  }
  return cost;
}

}  // namespace

bool Fit::fits() const { return memory.weights + memory.working + context_bytes <= memory.system.available; }

std::int64_t Fit::context_that_fits() const {
  return memory.weights + memory.working < memory.system.available ? memory.most_tokens() : 0;
}

std::uint64_t stored_bytes(const ModelConfig& c, const convert::FormatPolicy& policy, const TensorInfo& t) {
  const auto product = [](const std::vector<std::int64_t>& shape) {
    return std::accumulate(shape.begin(), shape.end(), std::uint64_t{1},
                           [](std::uint64_t n, std::int64_t d) { return n * static_cast<std::uint64_t>(d); });
  };
  const auto encoding =
      convert::FormatPolicy::applies_to(t) ? policy.encoding_of(t) : std::optional<quant::Encoding>();
  if (encoding) return product(quant::stored_shape(*encoding, t.shape[0], t.shape[1]));
  const DType dtype = config::published_dtype(c, t);
  const std::uint64_t scales = dtype == DType::f8_e4m3 ? sizeof(float) * product(config::scale_shape(t)) : 0;
  return size_of(dtype) * static_cast<std::uint64_t>(t.elements()) + scales;
}

config::NameLayout planned_layout(const ModelConfig& c) {
  config::NameLayout layout;
  if (c.num_nextn_predict_layers > 0) layout.draft = config::NameLayout::Draft::present;
  return layout;
}

Fit plan_memory_fit(const ModelConfig& c, const FitRequest& request, const SystemMemory& memory) {
  const convert::FormatPolicy policy(request.formats);
  policy.check_patterns(c, planned_layout(c));
  Fit fit;
  fit.memory = assemble::plan_memory(
      c, planned_layout(c), [&](const TensorInfo& t) { return stored_bytes(c, policy, t); }, request.cache,
      memory);
  fit.context_bytes = static_cast<std::uint64_t>(request.context) * fit.memory.cache_per_token;
  const std::uint64_t taken = fit.memory.weights + fit.memory.working + fit.context_bytes;
  const std::uint64_t room = memory.available > taken ? memory.available - taken : 0;
  if (fit.tables() > room) fit.cached_rows = static_cast<double>(room) / static_cast<double>(fit.tables());
  return fit;
}

Fit plan_fit(const ModelConfig& c, const FitRequest& request, const Machine& machine) {
  Fit fit = plan_memory_fit(c, request, machine.memory);
  fit.decode = cost_of(c, request, machine, fit, {.rows = 1, .depth = request.depth});
  fit.prefill = cost_of(c, request, machine, fit, {.rows = request.prompt, .depth = 0});
  return fit;
}

std::vector<std::string> formats_that_fit(const ModelConfig& c, const FitRequest& request,
                                          const SystemMemory& memory) {
  std::vector<std::string> fitting;
  for (const char* format : {"bf16", "q8", "q4"}) {
    FitRequest other = request;
    other.formats = {.weights = format, .tables = format};
    if (plan_memory_fit(c, other, memory).fits()) fitting.emplace_back(format);
  }
  return fitting;
}

}  // namespace nestor::plan
