#include "train/loop/start.h"

#include <fmt/format.h>

#include "base/error.h"
#include "train/modules/import_checkpoint.h"

namespace nestor::train {
namespace {

void begin(const Origin& origin, Trainer& trainer) {
  switch (origin.kind) {
    case Origin::Kind::random:
    case Origin::Kind::unknown:
      return trainer.fill_tables();
    case Origin::Kind::checkpoint:
      return import_checkpoint(origin.path, trainer.model(), trainer.tables());
    case Origin::Kind::snapshot:
      const State state = read_state(origin.path);
      if (origin.optimizer) return trainer.load_as_beginning(origin.path, state);
      return trainer.load_weights(origin.path, state);
  }
}

}  // namespace

Started start(const RunFolder& folder, const std::vector<Saved>& saved, const Origin& origin,
              const MakeTrainer& make, RunObserver& observer) {
  for (const Saved& s : saved) {
    std::unique_ptr<Trainer> trainer = make();
    try {
      trainer->load(s.path, s.state);
    } catch (const Error& problem) {
      say_unusable(s.path, problem, observer);
      continue;
    }
    observer.say(fmt::format("going on from the snapshot of step {}", s.state.step));
    return {std::move(trainer), s.state.step, s.state.evaluation_due};
  }
  if (!saved.empty()) fail_without_snapshot(folder, "no snapshot of this run can be used");
  Started started{make()};
  begin(origin, *started.trainer);
  observer.say(fmt::format("the run begins with {}", text_of(origin)));
  return started;
}

}  // namespace nestor::train
