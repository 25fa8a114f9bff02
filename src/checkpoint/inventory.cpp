#include "checkpoint/inventory.h"

#include <fmt/ranges.h>

#include <charconv>
#include <set>

#include "base/error.h"
#include "checkpoint/locate.h"
#include "quant/format.h"

namespace nestor::checkpoint {
namespace {

using config::Field;
using config::Part;

constexpr std::size_t kListed = 5;  // names in a message; the rest is counted

class Findings {
 public:
  void add(std::string text) {
    if (texts_.size() < kListed) texts_.push_back(std::move(text));
    ++count_;
  }
  void throw_if_any(const std::filesystem::path& folder, std::string_view title,
                    std::string_view advice) const {
    if (count_ == 0) return;
    const std::string more =
        count_ > texts_.size() ? fmt::format(" and {} more", count_ - texts_.size()) : "";
    fail(ErrorKind::bad_input, "{}: {}: {}{}{}", folder.string(), title, fmt::join(texts_, "; "), more,
         advice);
  }

 private:
  std::vector<std::string> texts_;
  std::size_t count_ = 0;
};

bool is_plain(DType dtype) { return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16; }

std::int64_t blocks(std::int64_t n) { return (n + quant::kScaleBlock - 1) / quant::kScaleBlock; }

// One walk over the expected tensors; what was met is remembered, so that the rest is known to be unknown.
class Check {
 public:
  Check(const config::ModelConfig& config, const Checkpoint& checkpoint, Encoded encoded)
      : config_(config), checkpoint_(checkpoint), accepted_(encoded) {}

  void visit(const config::TensorInfo& expected) {
    const Located found = locate(checkpoint_, expected.name, expected.storage);
    met_.insert(found.name);
    if (found.tensor == nullptr) {
      missing_.add(expected.name);
    } else if (found.encoding) {
      check_encoded(expected, found);
    } else {
      check_shape(expected, found.tensor->entry->shape);
      check_storage(expected, *found.tensor->entry);
    }
  }

  void finish() {
    check_key();
    const auto& folder = checkpoint_.folder();
    missing_.throw_if_any(folder, "missing tensors", "");
    wrong_.throw_if_any(folder, "tensors that do not fit config.json", "");
    Findings unknown;
    for (const auto& [name, tensor] : checkpoint_.tensors()) {
      if (met_.count(name) == 0 && !is_of_identity_expert(name)) unknown.add(name);
    }
    unknown.throw_if_any(folder, "tensors that nothing would use",
                         " (is config.json of another model, or does it lack keys?)");
  }

 private:
  // The key of config.json and the tensors must agree that the checkpoint is quantized.
  void check_key() const {
    const auto& folder = checkpoint_.folder().string();
    if (first_encoded_.empty()) {
      if (!config_.quantization) return;
      fail(ErrorKind::bad_input,
           "{}: config.json says that weights are {} and tables {}, but no tensor is quantized", folder,
           config_.quantization->weights, config_.quantization->tables);
    }
    if (accepted_ == Encoded::refused) {
      fail(ErrorKind::unsupported,
           "{}: {} is quantized, which this command cannot read; nestor convert --weights bf16 --tables bf16 "
           "undoes it",
           folder, first_encoded_);
    }
    if (!config_.quantization) {
      fail(ErrorKind::bad_input,
           "{}: {} is quantized, but config.json has no quantization_config with quant_method nestor", folder,
           first_encoded_);
    }
  }

  void check_encoded(const config::TensorInfo& expected, const Located& found) {
    if (first_encoded_.empty()) first_encoded_ = found.name;
    const TensorEntry& entry = *found.tensor->entry;
    const auto shape = quant::stored_shape(*found.encoding, expected.shape[0], expected.shape[1]);
    if (entry.dtype == DType::u8 && entry.shape == shape) return;
    wrong_.add(fmt::format("{} is {} {}, expected U8 {}", found.name, name_of(entry.dtype),
                           shape_text(entry.shape), shape_text(shape)));
  }

  void check_shape(const config::TensorInfo& expected, const std::vector<std::int64_t>& found) {
    const std::span<const std::int64_t> shape(expected.shape.data(), static_cast<std::size_t>(expected.rank));
    if (std::equal(shape.begin(), shape.end(), found.begin(), found.end())) return;
    // transformers 5 allocates the fused matrix for the identity experts too; those are never read.
    const bool fused = expected.rank == 3 && found.size() == 3 && found[0] == config_.routes() &&
                       found[1] == shape[1] && found[2] == shape[2];
    if (fused) return;
    wrong_.add(fmt::format("{} is {}, expected {}", expected.name, shape_text(found), shape_text(shape)));
  }

  // transformers 5 also saves matrices of identity experts, one by one; those are never read.
  bool is_of_identity_expert(std::string_view name) const {
    constexpr std::string_view kStem = ".mlp.experts.";
    const std::size_t stem = name.find(kStem);
    if (stem == name.npos || !name.starts_with("model.layers.")) return false;
    const std::string_view layer = name.substr(13, stem - 13);
    std::int64_t expert = -1;
    const char* end = name.data() + name.size();
    const auto [rest, error] = std::from_chars(name.data() + stem + kStem.size(), end, expert);
    const std::string_view kind(rest, static_cast<std::size_t>(end - rest));
    return is_number_below(layer, config_.num_layers) && error == std::errc() &&
           expert >= config_.n_routed_experts && expert < config_.routes() &&
           (kind == ".gate_proj.weight" || kind == ".up_proj.weight" || kind == ".down_proj.weight");
  }

  static bool is_number_below(std::string_view text, std::int64_t limit) {
    std::int64_t number = -1;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    return error == std::errc() && rest == end && number >= 0 && number < limit;
  }

  void check_storage(const config::TensorInfo& expected, const TensorEntry& found) {
    if (is_plain(found.dtype)) return;
    if (found.dtype != DType::f8_e4m3 || expected.storage != config::Storage::projection) {
      wrong_.add(
          fmt::format("{} is stored as {}, expected F32, F16{}", expected.name, name_of(found.dtype),
                      expected.storage == config::Storage::projection ? ", BF16 or F8_E4M3" : " or BF16"));
      return;
    }
    const std::string scale_name = config::scale_name(expected.name);
    met_.insert(scale_name);
    const StoredTensor* scale = checkpoint_.find(scale_name);
    if (scale == nullptr) {
      missing_.add(scale_name);
      return;
    }
    const std::vector<std::int64_t> shape = {blocks(expected.shape[0]), blocks(expected.shape[1])};
    if (scale->entry->shape != shape || !is_plain(scale->entry->dtype)) {
      wrong_.add(fmt::format("{} is {} {}, expected {} of F32", scale_name, name_of(scale->entry->dtype),
                             shape_text(scale->entry->shape), shape_text(shape)));
    }
  }

  const config::ModelConfig& config_;
  const Checkpoint& checkpoint_;
  Encoded accepted_;
  std::string first_encoded_;
  std::set<std::string> met_;
  Findings missing_;
  Findings wrong_;
};

}  // namespace

config::NameLayout layout_of(const config::ModelConfig& config, const Checkpoint& checkpoint) {
  using Layout = config::NameLayout;
  const Layout others = {.word_table = Layout::WordTable::ngram_word_embeddings,
                         .correction_bias = Layout::CorrectionBias::dotted};
  const config::Slot words = {Part::word_embedding, Field::words};
  const std::string plain = tensor_name(config, {}, words), inside = tensor_name(config, others, words);
  const bool is_inside = config.ngram && holds(checkpoint, inside, config::Storage::table);
  if (is_inside && holds(checkpoint, plain, config::Storage::table)) {
    fail(ErrorKind::bad_input, "{}: the word table is there twice, as {} and as {}; expected one of them",
         checkpoint.folder().string(), plain, inside);
  }
  Layout layout;
  if (is_inside) layout.word_table = others.word_table;
  const auto in_first_layer = [&](Part part, Field field) {
    return checkpoint.find(tensor_name(config, others, {part, field, 0})) != nullptr;
  };
  if (in_first_layer(Part::experts, Field::gate_up)) layout.experts = Layout::Experts::fused;
  if (in_first_layer(Part::router, Field::correction_bias)) layout.correction_bias = others.correction_bias;
  const auto draft = checkpoint.tensors().lower_bound(config::kDraftPrefix);
  if (draft != checkpoint.tensors().end() && draft->first.starts_with(config::kDraftPrefix)) {
    layout.draft = Layout::Draft::present;
  }
  return layout;
}

void check_inventory(const config::ModelConfig& config, const config::NameLayout& layout,
                     const Checkpoint& checkpoint, Encoded encoded) {
  Check check(config, checkpoint, encoded);
  config::for_each_tensor(config, layout, [&](const config::TensorInfo& tensor) { check.visit(tensor); });
  check.finish();
}

std::vector<const StoredTensor*> stored_parts(const Checkpoint& checkpoint,
                                              const config::TensorInfo& tensor) {
  std::vector<const StoredTensor*> parts = {locate(checkpoint, tensor.name, tensor.storage).tensor,
                                            checkpoint.find(config::scale_name(tensor.name))};
  std::erase(parts, nullptr);
  return parts;
}

}  // namespace nestor::checkpoint
