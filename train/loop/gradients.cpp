#include "train/loop/gradients.h"

#include <utility>

#include "train/tables/row_table.h"

namespace nestor::train {
namespace {

using torch::Tensor;

Tensor tensor_of(const std::vector<std::int64_t>& values) {
  return torch::tensor(torch::ArrayRef<std::int64_t>(values), torch::kInt64);
}

RowGradients take_rows(const TableLookup& lookup) {
  Tensor sums = std::exchange(Tensor(lookup.leaf).mutable_grad(), {});
  if (!sums.defined()) return {{}, torch::empty({0, lookup.leaf.size(1)}, lookup.leaf.options())};
  return {lookup.batch.rows, std::move(sums)};
}

}  // namespace

Gradients take_gradients(const CausalLm& model, const Inputs& inputs, const Losses& losses) {
  Gradients taken;
  for (const Parameter& parameter : model.parameters()) {
    taken.dense.push_back(std::exchange(Tensor(parameter.tensor).mutable_grad(), {}));
  }
  for (const TableLookup* lookup : inputs.lookups()) taken.tables.push_back(take_rows(*lookup));
  taken.counts = losses.counts;
  taken.losses = {losses.total.item<double>(), losses.token_nll.item<double>(),
                  losses.draft_nll.item<double>(), losses.balance.item<double>()};
  taken.whole = inputs.whole;
  return taken;
}

void exchange_rows(Mesh& mesh, RowGradients& gradients) {
  if (mesh.size() == 1) return;
  std::vector<Tensor> rows, sums;
  for (int owner = 0; owner < mesh.size(); ++owner) {
    std::vector<std::int64_t> theirs, places;
    for (std::size_t i = 0; i < gradients.rows.size(); ++i) {
      if (gradients.rows[i] % mesh.size() != owner) continue;
      theirs.push_back(gradients.rows[i]);
      places.push_back(static_cast<std::int64_t>(i));
    }
    rows.push_back(tensor_of(theirs));
    sums.push_back(gradients.sums.index_select(0, tensor_of(places).to(gradients.sums.device())));
  }
  const Tensor came = torch::cat(mesh.all_to_all(std::move(rows)));
  const Tensor terms = torch::cat(mesh.all_to_all(std::move(sums)));
  RowBatch own = distinct_rows({came.const_data_ptr<std::int64_t>(), static_cast<std::size_t>(came.numel())});
  const Tensor place = torch::tensor(torch::ArrayRef<std::int32_t>(own.index), torch::kInt32);
  gradients.sums = torch::zeros({static_cast<std::int64_t>(own.rows.size()), terms.size(1)}, terms.options())
                       .index_add_(0, place.to(terms.device()), terms);
  gradients.rows = std::move(own.rows);
}

}  // namespace nestor::train
