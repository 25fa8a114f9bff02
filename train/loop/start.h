// The weights that a run goes on or begins with.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "train/loop/resume.h"
#include "train/loop/trainer.h"

namespace nestor::train {

using MakeTrainer = std::function<std::unique_ptr<Trainer>()>;

struct Started {
  std::unique_ptr<Trainer> trainer;
  std::int64_t step = 0;        // done
  bool evaluation_due = false;  // of that step
};

/// From the newest snapshot that can be read; without any, from the origin. Says which.
Started start(const RunFolder& folder, const std::vector<Saved>& saved, const Origin& origin,
              const MakeTrainer& make, RunObserver& observer);

}  // namespace nestor::train
