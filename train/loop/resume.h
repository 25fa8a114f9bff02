// What a run that goes on is held against: its record, its snapshots, and what is asked now.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "recipe/recipe.h"
#include "train/loop/run_observer.h"
#include "train/loop/run_record.h"
#include "train/loop/snapshot.h"
#include "train/loop/training.h"

namespace nestor::train {

struct Saved {
  std::filesystem::path path;
  State state;
};

/// What to go on from, newest first; nothing where the run has not saved yet. A damaged snapshot is said and
/// left out. Error(bad_input) if all are damaged, or gone that were there.
std::vector<Saved> saved_states(const RunFolder& folder, const RunRecord& record, RunObserver& observer);

/// Says that a snapshot is left out; throws on what is no fault of it.
void say_unusable(const std::filesystem::path& snapshot, const Error& reason, RunObserver& observer);
/// Error(bad_input): none of a run's snapshots can be used.
[[noreturn]] void fail_without_snapshot(const RunFolder& folder, std::string_view reason);

/// The record of the run that a request begins or goes on with. Error(usage) if it asks for another origin,
/// not_found if that does not exist.
RunRecord settle_record(const TrainingRequest& request, const RunFolder& folder);

/// Where new weights come from: a checkpoint, a snapshot, or the newest snapshot of a run; random without a
/// path.
Origin find_origin(const std::filesystem::path& path, TrainingRequest::Taken taken);

/// Steps of the checkpoint in DIR/final, 0 without one. Error(usage) for a folder of that name that the run
/// has not written.
std::int64_t finished_steps(const RunFolder& folder, const RunRecord& record);

/// Keys of two recipes whose values differ, but for those that may: names, reports, the number of steps,
/// where files lie, and what the snapshot has decided (threads, numbers of products).
std::vector<std::string> differing_keys(const Json& a, const Json& b);

/// Error(usage) naming the keys if the recipe is another than the recorded one, or has fewer steps than are
/// done.
void check_same_run(const recipe::Recipe& recipe, const Json& recorded, std::int64_t done,
                    const RunFolder& folder);

/// Error(bad_input) if the corpus is another than the one of the snapshot; says so if the held-out text is.
void check_same_corpus(const Json& fingerprint, const State& saved, RunObserver& observer);

}  // namespace nestor::train
