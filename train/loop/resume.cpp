#include "train/loop/resume.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.h"
#include "recipe/recipe_json.h"
#include "train/loop/run_data.h"

namespace nestor::train {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 7> kFree = {
    "name", "threads", "products", "data.train", "data.heldout", "data.tokenizer", "schedule.steps"};
constexpr std::uint64_t kMostRecipeBytes = 16U << 20;

bool may_differ(const std::string& key) {
  return key.starts_with("reporting.") || std::find(kFree.begin(), kFree.end(), key) != kFree.end();
}

void compare(const Json& a, const Json& b, const std::string& prefix, std::vector<std::string>& keys) {
  for (const auto& [key, value] : a.items()) {
    const std::string path = prefix + key;
    const bool both = b.is_object() && b.contains(key);
    if (both && value.is_object()) {
      compare(value, b[key], path + ".", keys);
    } else if (!may_differ(path) && (!both || value != b[key])) {
      keys.push_back(path);
    }
  }
}

// With the keys that came to recipes since it was written.
Json completed(const Json& recorded) {
  return recipe::to_json(recipe::parse_recipe(recorded, "the run's recipe"));
}

std::string whole_path(const fs::path& path) {
  std::error_code error;
  const fs::path whole = fs::weakly_canonical(path, error);
  return (error ? fs::absolute(path) : whole).string();
}

// Of a run that an older version began.
RunRecord record_of_old_run(const RunFolder& folder) {
  RunRecord record{{Origin::Kind::unknown}, read_json(folder.recipe(), kMostRecipeBytes), true};
  if (fs::exists(folder.final() / "config.json"))
    record.finished = recipe::parse_recipe(record.recipe, folder.recipe().string()).schedule.steps;
  return record;
}

// A snapshot may be named by its run.
bool names(const fs::path& asked, const Origin& origin) {
  const std::string path = whole_path(asked);
  return path == origin.path || (origin.kind == Origin::Kind::snapshot &&
                                 path == fs::path(origin.path).parent_path().parent_path().string());
}

}  // namespace

void say_unusable(const fs::path& snapshot, const Error& reason, RunObserver& observer) {
  const ErrorKind kind = reason.kind();
  const bool damage = kind == ErrorKind::bad_input || kind == ErrorKind::not_found || kind == ErrorKind::io ||
                      kind == ErrorKind::unsupported;
  if (!damage) throw Error(reason);
  observer.say(fmt::format("warning: the snapshot {} cannot be used: {}", snapshot.string(), reason.what()));
}

void fail_without_snapshot(const RunFolder& folder, std::string_view reason) {
  fail(ErrorKind::bad_input,
       "{}: {}, so that there is nothing to go on from; bring one back from a copy of the folder, or begin "
       "again with another --out",
       folder.snapshots().string(), reason);
}

std::vector<Saved> saved_states(const RunFolder& folder, const RunRecord& record, RunObserver& observer) {
  const std::vector<std::int64_t> steps = saved_steps(folder.path());
  if (steps.empty() && record.saved && record.finished == 0)
    fail_without_snapshot(folder, "the snapshots of this run are gone");
  std::vector<Saved> saved;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    const fs::path path = folder.snapshot(*step);
    try {
      saved.push_back({path, read_state(path)});
    } catch (const Error& problem) {
      say_unusable(path, problem, observer);
    }
  }
  if (saved.empty() && !steps.empty()) fail_without_snapshot(folder, "no snapshot of this run can be used");
  return saved;
}

RunRecord settle_record(const TrainingRequest& request, const RunFolder& folder) {
  const fs::path& asked = request.initial;
  const bool goes_on = request.mode == RunFolder::Mode::resume;
  const std::optional<RunRecord> record = goes_on ? read_record(folder.path()) : std::nullopt;
  if (!record && is_run(folder.path()) && goes_on) return record_of_old_run(folder);
  if (!record) return {find_origin(asked, request.taken), recipe::to_json(request.recipe)};
  const bool as_recorded =
      asked.empty() || record->origin.kind == Origin::Kind::unknown ||
      (names(asked, record->origin) &&
       record->origin.optimizer == (request.taken == TrainingRequest::Taken::everything));
  if (!as_recorded) {
    fail(
        ErrorKind::usage,
        "{}: this run began from {}, not from {}{}; give --resume without --init to go on with it, or choose "
        "another --out",
        folder.path().string(), text_of(record->origin), whole_path(asked),
        request.taken == TrainingRequest::Taken::everything ? " with its optimizer" : "");
  }
  return *record;
}

Origin find_origin(const fs::path& path, TrainingRequest::Taken taken) {
  const bool optimizer = taken == TrainingRequest::Taken::everything;
  if (path.empty()) return {};
  if (fs::exists(path / "config.json")) {
    if (optimizer)
      fail(ErrorKind::usage, "--init {}: a checkpoint has no optimizer; leave --with-optimizer out",
           path.string());
    return {Origin::Kind::checkpoint, whole_path(path)};
  }
  if (fs::exists(path / kStateFile)) return {Origin::Kind::snapshot, whole_path(path), optimizer};
  const std::vector<std::int64_t> steps = saved_steps(path);
  if (!steps.empty())
    return {Origin::Kind::snapshot, whole_path(snapshot_path(path, steps.back())), optimizer};
  fail(ErrorKind::not_found,
       "{}: there is no config.json, so this is no checkpoint, and it is neither a run that has a snapshot "
       "nor "
       "a snapshot",
       path.string());
}

std::int64_t finished_steps(const RunFolder& folder, const RunRecord& record) {
  if (!fs::exists(fs::symlink_status(folder.final()))) return 0;
  if (record.finished > 0) return record.finished;
  // Or it was killed before that was recorded.
  const std::vector<std::int64_t> steps = saved_steps(folder.path());
  const std::int64_t all = record.recipe.at("schedule").at("steps").get<std::int64_t>();
  if (!steps.empty() && steps.back() == all && fs::exists(folder.final() / "config.json")) return all;
  fail(ErrorKind::usage, "{}: is in the way of this run's checkpoint, and not of the run; move it away",
       folder.final().string());
}

std::vector<std::string> differing_keys(const Json& a, const Json& b) {
  std::vector<std::string> keys;
  compare(a, b, "", keys);
  compare(b, a, "", keys);
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

void check_same_run(const recipe::Recipe& recipe, const Json& recorded, std::int64_t done,
                    const RunFolder& folder) {
  const std::vector<std::string> keys = differing_keys(recipe::to_json(recipe), completed(recorded));
  if (!keys.empty()) {
    fail(ErrorKind::usage,
         "the recipe is not that of the run: {} {}; nestor train {} --out {} --resume goes on with it as it "
         "was, "
         "and another --out with --init {} begins a new run from its weights",
         fmt::join(keys, ", "), keys.size() == 1 ? "differs" : "differ", folder.recipe().string(),
         folder.path().string(), folder.path().string());
  }
  if (recipe.schedule.steps < done) {
    fail(ErrorKind::usage, "schedule.steps is {}, but the run has done {} already; give a larger number",
         recipe.schedule.steps, done);
  }
}

void check_same_corpus(const Json& fingerprint, const State& saved, RunObserver& observer) {
  std::vector<std::string> keys = differing_keys(fingerprint, saved.corpus);
  std::erase_if(keys, [&](const std::string& key) { return !saved.corpus.contains(key); });  // an older one
  if (std::erase(keys, kHeldoutKey) > 0) {
    observer.say(
        "warning: the held-out text is not what it was: what follows cannot be compared with evaluations "
        "before");
  }
  if (keys.empty()) return;
  fail(ErrorKind::bad_input,
       "the training data is not that of the snapshot: its {} changed from {} to {}; give back the texts as "
       "they were, or begin a new run from the weights with --init and another --out",
       keys.front(), saved.corpus.value(keys.front(), Json()).dump(),
       fingerprint.value(keys.front(), Json()).dump());
}

}  // namespace nestor::train
