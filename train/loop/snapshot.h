// The complete state of a run at one step, in a folder that depends on no other:
//   state.safetensors  named tensors
//   rows-0-of-1/       the rows of the tables that belong to process 0 of 1
//   state.json         what is there and what it means; written last, makes it valid
// Every file has its checksum.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
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
  std::int64_t step = 0;           // done; the loader goes on with the batch of this number
  std::int64_t earlier_steps = 0;  // of the optimizer, in the run that this one began from
  bool evaluation_due = false;     // it was interrupted
  Arithmetic arithmetic;
  Json recipe;                                       // resolved
  Json corpus;                                       // what identifies the data that was read
  enum class Rows { own, beside } rows = Rows::own;  // beside: version 1 has them in the run's folder tables/
};

/// Writes the rows of the tables into a folder.
using WriteRows = std::function<void(const std::filesystem::path& folder)>;

/// Writes snapshots/step-N: complete, or invisible. Error(io).
void write_snapshot(const RunFolder& folder, const State& state, std::span<const KeptTensor> tensors,
                    const WriteRows& write_rows);

/// Reads state.json of a snapshot. Error(bad_input) if it is damaged or of another version.
State read_state(const std::filesystem::path& snapshot);

/// Where the rows of its tables lie.
std::filesystem::path rows_folder(const std::filesystem::path& snapshot, State::Rows rows);

enum class Surplus { refuse, ignore };  // of tensors that a snapshot has and nobody asked for

/// Fills the tensors. Error(bad_input) for missing, surplus or misshapen ones, and for damaged bytes.
void read_tensors(const std::filesystem::path& snapshot, std::span<const KeptTensor> tensors,
                  Surplus surplus = Surplus::refuse);

/// Removes snapshots but the last `keep` up to `step`, and what a killed process left half written. What is
/// called otherwise stays. Returns the steps that stay.
std::vector<std::int64_t> prune_snapshots(const RunFolder& folder, std::int64_t step, std::size_t keep);

}  // namespace nestor::train
