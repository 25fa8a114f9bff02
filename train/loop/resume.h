// Whether a snapshot and a request belong to the same run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "recipe/recipe.h"
#include "train/loop/snapshot.h"

namespace nestor::train {

/// Of the last complete snapshot, if there is one. Error(bad_input) if it is damaged.
std::optional<State> last_state(const RunFolder& folder);

/// Keys of two recipes whose values differ, but for those that may: names, reports, where files lie, and what
/// the snapshot has decided (threads, numbers of products).
std::vector<std::string> differing_keys(const Json& a, const Json& b);

/// Error(usage) naming the keys if the recipe is another than the snapshot's.
void check_same_run(const recipe::Recipe& recipe, const State& saved);

/// Error(bad_input) if the corpus is another than the one of the snapshot.
void check_same_corpus(const Json& fingerprint, const State& saved);

}  // namespace nestor::train
