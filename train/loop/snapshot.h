// The complete state of a run at one step, on disk: named tensors, the rows of the tables beside them, and
// state.json, which is written last and makes it valid.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "train/loop/machine.h"
#include "train/loop/run_folder.h"
#include "train/torch.h"

namespace nestor::train {

/// A tensor that a snapshot keeps by name and restores in place: parameters, biases of the routers, optimizer
/// state.
struct KeptTensor {
  std::string name;
  torch::Tensor tensor;  // contiguous; float32, float64 or int64
};

/// What a snapshot says besides tensors.
struct State {
  std::int64_t step = 0;  // done; the loader goes on with the batch of this number
  Arithmetic arithmetic;
  Json recipe;  // resolved
  Json corpus;  // what identifies the data that was read
};

/// Writes snapshots/step-N: complete, or invisible. Error(io).
void write_snapshot(const RunFolder& folder, const State& state, std::span<const KeptTensor> tensors);

/// Reads state.json of a snapshot. Error(bad_input) if it is damaged or of another version.
State read_state(const std::filesystem::path& snapshot);

/// Fills the tensors. Error(bad_input) for missing, surplus or misshapen ones, and for damaged bytes.
void read_tensors(const std::filesystem::path& snapshot, std::span<const KeptTensor> tensors);

/// Removes snapshots but the last `keep`, and what a killed process left half written. Returns the steps that
/// stay.
std::vector<std::int64_t> prune_snapshots(const RunFolder& folder, std::size_t keep);

}  // namespace nestor::train
