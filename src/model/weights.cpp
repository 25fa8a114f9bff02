#include "model/weights.h"

#include "base/error.h"
#include "checkpoint/inventory.h"
#include "checkpoint/locate.h"
#include "quant/matrix.h"
#include "quant/record.h"

namespace nestor::model {
namespace {

using checkpoint::StoredTensor;
using kernels::MatrixView;

using config::Field;
using config::Slot;
using config::TensorInfo;

// Puts every tensor of the list where the layers want it.
class Loader {
 public:
  // Makes the places.
  Loader(const config::ModelConfig& config, DraftParts draft, Weights& out)
      : c_(config), draft_(draft), out_(out) {
    if (draft != DraftParts::none) out_.draft.emplace();
    if (c_.embedding_norm == config::EmbeddingNorm::layer_norm) out_.embedding_norm.emplace();
    for (std::int64_t n = 0; n < c_.num_layers; ++n) {
      layers::ShortcutWeights& w = out_.layers.emplace_back();
      w.name = config::layer_name(n);
      w.router.top_k = c_.moe_topk;
      w.router.scaling_factor = static_cast<float>(c_.routed_scaling_factor);
      w.experts.resize(static_cast<std::size_t>(c_.n_routed_experts));
      if (c_.per_layer) w.halves.at(c_.per_layer->mlp).mlp = kernels::EmbeddedFeedForwardWeights{};
    }
    embedding_ = lookups_of(c_.ngram);
    if (!c_.per_layer) return;
    for (std::int64_t n = 0; n < c_.num_layers; ++n)
      layer_embeddings_.push_back(lookups_of(c_.per_layer->ngram));
  }

  void visit(const TensorInfo& t) {
    if (t.slot.part == config::Part::draft && !wanted(t.slot)) return;
    if (t.rank == 3) return visit_stack(t);
    const Place place = place_of(t.slot);
    if (auto* const* rows = std::get_if<std::unique_ptr<ngram::RowStore>*>(&place)) {
      **rows = rows_of(t);
    } else if (const float** const* values = std::get_if<const float**>(&place)) {
      **values = widened(*located(t).tensor);
    } else {
      *std::get<MatrixView*>(place) = named(t.name, matrix_of(t));
    }
  }

  // Once all tensors were visited.
  void finish() {
    out_.embedding = embedding_of(std::move(embedding_), c_.ngram);
    for (Lookups& of_layer : layer_embeddings_)
      out_.layer_embeddings.push_back(embedding_of(std::move(of_layer), c_.per_layer->ngram));
    if (draft_words_) out_.draft_embedding.emplace(std::move(draft_words_));
  }

 private:
  // Where the layers want it: rows of a table, a widened vector, or a matrix.
  using Place = std::variant<std::unique_ptr<ngram::RowStore>*, const float**, MatrixView*>;

  // The tables of an N-gram Embedding that is being put together.
  struct Lookups {
    std::unique_ptr<ngram::RowStore> words;
    std::vector<ngram::Table> tables;
  };

  bool wanted(const Slot& of_draft) const {
    return of_draft.field == Field::words ? draft_ == DraftParts::block_and_words
                                          : draft_ != DraftParts::none;
  }

  static Lookups lookups_of(const std::optional<config::NgramSpec>& spec) {
    Lookups lookups;
    if (spec) lookups.tables.resize(static_cast<std::size_t>(spec->tables()));
    return lookups;
  }

  Lookups& lookups(const Slot& s) {
    return s.layer == Slot::none ? embedding_ : layer_embeddings_[static_cast<std::size_t>(s.layer)];
  }
  layers::ShortcutWeights& layer(const Slot& s) { return out_.layers[static_cast<std::size_t>(s.layer)]; }
  layers::ShortcutWeights::Half& half(const Slot& s) {
    return layer(s).halves[static_cast<std::size_t>(s.sublayer)];
  }

  Place place_of(const Slot& s) {
    if (s.part == config::Part::draft) return place_in_draft(s.field);
    switch (s.field) {
      case Field::words:
        return &lookups(s).words;
      case Field::table:
        return &lookups(s).tables[static_cast<std::size_t>(s.index)].rows;
      case Field::projection:
        return &lookups(s).tables[static_cast<std::size_t>(s.index)].projection;
      case Field::embedding_norm_weight:
        return &out_.embedding_norm->weight;
      case Field::embedding_norm_bias:
        return &out_.embedding_norm->bias;
      case Field::final_norm:
        return &out_.final_norm;
      case Field::head:
        return &out_.head;
      case Field::classifier:
        return &layer(s).router.classifier;
      case Field::correction_bias:
        return &layer(s).router.correction_bias;
      case Field::input_norm:
        return &half(s).input_norm;
      case Field::post_attention_norm:
        return &half(s).post_attention_norm;
      case Field::gate:
      case Field::up:
      case Field::down:
        if (s.part == config::Part::experts)
          return member(layer(s).experts[static_cast<std::size_t>(s.index)], s.field);
        return std::visit([&](auto& mlp) { return member(mlp, s.field); }, half(s).mlp);
      default:
        return place_in(half(s).attention, s.field);
    }
  }

  Place place_in_draft(Field field) {
    layers::DraftBlockWeights& w = *out_.draft;
    switch (field) {
      case Field::words:
        return &draft_words_;
      case Field::draft_embedding_norm:
        return &w.embedding_norm;
      case Field::draft_hidden_norm:
        return &w.hidden_norm;
      case Field::draft_join:
        return &w.join;
      case Field::input_norm:
        return &w.input_norm;
      case Field::post_attention_norm:
        return &w.post_attention_norm;
      case Field::gate:
      case Field::up:
      case Field::down:
        return member(w.mlp, field);
      case Field::final_norm:
        return &w.norm;
      default:
        return place_in(w.attention, field);
    }
  }

  static Place place_in(layers::AttentionWeights& w, Field field) {
    switch (field) {
      case Field::q_a:
        return &w.q_a;
      case Field::q_norm:
        return &w.q_norm;
      case Field::q_b:
        return &w.q_b;
      case Field::kv_a:
        return &w.kv_a;
      case Field::kv_norm:
        return &w.kv_norm;
      case Field::kv_b:
        return &w.kv_b;
      case Field::o:
        return &w.o;
      default:
        fail(ErrorKind::internal, "no weights have a place for field {}", static_cast<int>(field));
    }
  }

  template <typename Mlp>
  static Place member(Mlp& mlp, Field field) {
    if constexpr (requires { mlp.up; }) {
      if (field == Field::up) return &mlp.up;
    }
    return field == Field::gate ? &mlp.gate : &mlp.down;
  }

  // The matrices of all experts in one tensor, as if each had its own: rows of gate come before those of up.
  void visit_stack(const TensorInfo& t) {
    const StoredTensor& stored = *located(t).tensor;
    const auto format = *quant::format_of(stored.entry->dtype);
    const std::int64_t rows = t.shape[1], cols = t.shape[2];
    for (std::int64_t e = 0; e < c_.n_routed_experts; ++e) {
      const std::byte* plane = data_of(stored) + e * rows * cols * quant::element_bytes(format);
      const MatrixView view = quant::matrix_view(plane, format, rows, cols);
      const auto place = [&](Field field, const MatrixView& part) {
        const Slot slot = {t.slot.part, field, t.slot.layer, t.slot.sublayer, e};
        const std::string name = config::tensor_name(c_, out_.layout, slot);
        *std::get<MatrixView*>(place_of(slot)) = named(name, part);
      };
      if (t.slot.field == Field::down) {
        place(Field::down, view);
      } else {
        place(Field::gate, quant::row_slice(view, 0, rows / 2));
        place(Field::up, quant::row_slice(view, rows / 2, rows / 2));
      }
    }
  }

  checkpoint::Located located(const TensorInfo& t) const {
    checkpoint::Located found = checkpoint::locate(*out_.files, t.name, t.storage);
    if (found.tensor == nullptr) fail(ErrorKind::internal, "tensor {} was not in the inventory", t.name);
    return found;
  }

  // Everything except the tables is read in full at every step.
  static const std::byte* data_of(const StoredTensor& t) {
    t.mapping->advise_large_pages(t.entry->begin, t.entry->bytes);
    return t.bytes().data();
  }

  // Values as float32, owned by the weights.
  const float* widened(const StoredTensor& t) {
    std::int64_t count = 1;
    for (const std::int64_t d : t.entry->shape) count *= d;
    const MatrixView view = quant::matrix_view(data_of(t), *quant::format_of(t.entry->dtype), 1, count);
    std::vector<float>& values = out_.vectors.emplace_back();
    for (std::int64_t i = 0; i < count; ++i) values.push_back(quant::element(view, 0, i));
    return values.data();
  }

  MatrixView named(const std::string& name, const MatrixView& view) {
    out_.names.emplace(view.data, name);
    out_.matrix_bytes[static_cast<std::size_t>(view.format)] += quant::stored_bytes(view);
    return view;
  }

  MatrixView matrix_of(const TensorInfo& t) {
    const auto [name, tensor, encoding] = located(t);
    const StoredTensor& stored = *tensor;
    const auto format = encoding ? quant::format_of(*encoding) : *quant::format_of(stored.entry->dtype);
    const bool scaled = stored.entry->dtype == DType::f8_e4m3;
    const float* scales = scaled ? widened(*out_.files->find(config::scale_name(t.name))) : nullptr;
    return quant::matrix_view(data_of(stored), format, t.shape[0], t.shape[1], scales);
  }

  std::unique_ptr<ngram::RowStore> rows_of(const TensorInfo& t) const {
    const auto [name, tensor, encoding] = located(t);
    const StoredTensor& stored = *tensor;
    const std::int64_t width = t.shape[1];
    const auto format = encoding ? ngram::RowFormat(quant::RecordFormat{encoding->bits, width})
                                 : ngram::RowFormat(*quant::format_of(stored.entry->dtype));
    return std::make_unique<ngram::FileRowStore>(*stored.file, stored.entry->begin, t.shape[0], width,
                                                 format);
  }

  ngram::NgramEmbedding embedding_of(Lookups lookups, const std::optional<config::NgramSpec>& spec) {
    if (!spec) return ngram::NgramEmbedding(std::move(lookups.words));
    return {std::move(lookups.words), hash_of(*spec), std::move(lookups.tables)};
  }

  // One hash for all embeddings that hash alike, so that their rows are computed once.
  std::shared_ptr<const hash::NgramHash> hash_of(const config::NgramSpec& spec) {
    for (const auto& [known, hash] : hashes_) {
      if (known == spec) return hash;
    }
    return hashes_.emplace_back(spec, std::make_shared<hash::NgramHash>(spec, c_.eos_token_ids)).second;
  }

  const config::ModelConfig& c_;
  DraftParts draft_;
  Weights& out_;
  Lookups embedding_;
  std::unique_ptr<ngram::RowStore> draft_words_;
  std::vector<Lookups> layer_embeddings_;
  std::vector<std::pair<config::NgramSpec, std::shared_ptr<const hash::NgramHash>>> hashes_;
};

}  // namespace

Weights load_weights(const config::ModelConfig& config, std::shared_ptr<const checkpoint::Checkpoint> files,
                     DraftParts draft) {
  Weights weights;
  weights.layout = checkpoint::layout_of(config, *files);
  if (draft != DraftParts::none && weights.layout.draft == config::NameLayout::Draft::absent) {
    fail(ErrorKind::unsupported,
         "the checkpoint has no draft block (tensors {}*), so that nothing can be drafted with it: expected "
         "one, or another drafter",
         config::kDraftPrefix);
  }
  checkpoint::check_inventory(config, weights.layout, *files, checkpoint::Encoded::accepted);
  weights.files = std::move(files);
  Loader loader(config, draft, weights);
  config::for_each_tensor(config, weights.layout, [&](const TensorInfo& t) { loader.visit(t); });
  loader.finish();
  return weights;
}

}  // namespace nestor::model
