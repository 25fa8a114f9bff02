// A forward pass in whose middle rows of tables cannot be read: the file has become shorter.
#include <gtest/gtest.h>

#include <fstream>

#include "base/cpu.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors_writer.h"
#include "lm/sequence.h"
#include "support/golden.h"
#include "support/kernel_sets.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"

namespace nestor {
namespace {

// A golden checkpoint whose tensors of one kind lie in a file of their own, which can be cut and mended.
class CutCheckpoint {
 public:
  CutCheckpoint(const std::string& golden, std::string_view kind) {
    const checkpoint::Checkpoint whole(testing::golden_folder(golden));
    std::vector<std::string> cut, rest;
    for (const auto& [name, tensor] : whole.tensors()) {
      (name.find(kind) != std::string::npos ? cut : rest).push_back(name);
    }
    write(whole, cut, "cut.safetensors");
    write(whole, rest, "rest.safetensors");
    std::filesystem::copy(whole.folder() / "config.json", folder_.path() / "config.json");
    bytes_ = read_file(path(), 64U << 20);
  }

  const std::filesystem::path& folder() const { return folder_.path(); }
  void cut() const { std::filesystem::resize_file(path(), bytes_.size() / 3); }
  void mend() const { std::fstream(path(), std::ios::in | std::ios::out | std::ios::binary) << bytes_; }

 private:
  std::filesystem::path path() const { return folder_.path() / "cut.safetensors"; }
  void write(const checkpoint::Checkpoint& whole, const std::vector<std::string>& names, const char* file) {
    std::vector<checkpoint::PlannedTensor> plan;
    for (const std::string& name : names) {
      const auto* entry = whole.find(name)->entry;
      plan.push_back({name, entry->dtype, entry->shape});
    }
    checkpoint::SafetensorsWriter writer(folder_.path() / file, plan);
    for (const std::string& name : names) writer.append(whole.find(name)->bytes());
    writer.finish();
  }

  testing::ScratchFolder folder_;
  std::string bytes_;
};

std::vector<TokenId> mixed_tokens(std::size_t count, TokenId step) {
  std::vector<TokenId> ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back(static_cast<TokenId>((i * i + i * 3) % 23) + step);
  return ids;
}

std::vector<float> logits_of(model::Model& model, const std::vector<lm::Chunk>& batch) {
  const lm::Logits logits = model.forward(batch);
  std::vector<float> all;
  for (std::int64_t i = 0; i < logits.rows(); ++i)
    all.insert(all.end(), logits.row(i).begin(), logits.row(i).end());
  return all;
}

struct CutTensors {
  const char* golden;
  const char* kind;  // of the tensors that cannot be read
};

class FailingRows : public ::testing::TestWithParam<std::tuple<CutTensors, std::string>> {};

TEST_P(FailingRows, LeaveEverySequenceAsItWas) {
  const auto& [which, kernels] = GetParam();
  const CutCheckpoint files(which.golden, which.kind);
  const auto model = testing::open_model(files.folder(), kernels);
  const auto begun = mixed_tokens(70, 0), more = mixed_tokens(80, 1), other = mixed_tokens(30, 2);
  lm::Sequence old(*model), fresh(*model);
  const std::vector<lm::Chunk> first = {{old.id(), begun}};
  model->forward(first);
  const lm::Memory before = model->memory();
  const std::vector<lm::Chunk> both = {{old.id(), more, std::ssize(more)},
                                       {fresh.id(), other, std::ssize(other)}};

  files.cut();
  for (int i = 0; i < 3; ++i) EXPECT_REFUSED(model->forward(both), ErrorKind::io, "cut.safetensors");
  EXPECT_EQ(std::vector(model->history(old.id()).begin(), model->history(old.id()).end()), begun);
  EXPECT_EQ(fresh.length(), 0);
  EXPECT_EQ(model->memory().pages_in_use, before.pages_in_use);
  files.mend();

  const auto again = testing::open_model(testing::golden_folder(which.golden), kernels);
  const lm::Sequence old_again(*again), fresh_again(*again);
  const std::vector<lm::Chunk> first_again = {{old_again.id(), begun}};
  again->forward(first_again);
  EXPECT_EQ(logits_of(*model, both), logits_of(*again, {{old_again.id(), more, std::ssize(more)},
                                                        {fresh_again.id(), other, std::ssize(other)}}));
}

// Tables of the input, before the first layer; and of the last layer, behind the first one's work.
INSTANTIATE_TEST_SUITE_P(
    All, FailingRows,
    ::testing::Combine(::testing::Values(CutTensors{"n3k2", ".embedders."},
                                         CutTensors{"variant_plne",
                                                    "layers.1.mlps.1.ngram_embeddings.embedders."}),
                       ::testing::ValuesIn(testing::kernel_sets())),
    [](const auto& test) {
      return std::string(std::get<0>(test.param).golden) + "_" + std::get<1>(test.param);
    });

}  // namespace
}  // namespace nestor
