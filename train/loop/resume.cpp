#include "train/loop/resume.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.h"
#include "recipe/recipe_json.h"

namespace nestor::train {
namespace {

constexpr std::array<std::string_view, 6> kFree = {"name",       "threads",      "products",
                                                   "data.train", "data.heldout", "data.tokenizer"};

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

}  // namespace

std::optional<State> last_state(const RunFolder& folder) {
  const std::vector<std::int64_t> steps = folder.saved_steps();
  if (steps.empty()) return std::nullopt;
  return read_state(folder.snapshot(steps.back()));
}

std::vector<std::string> differing_keys(const Json& a, const Json& b) {
  std::vector<std::string> keys;
  compare(a, b, "", keys);
  compare(b, a, "", keys);
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

void check_same_run(const recipe::Recipe& recipe, const State& saved) {
  const std::vector<std::string> keys = differing_keys(recipe::to_json(recipe), saved.recipe);
  if (keys.empty()) return;
  fail(ErrorKind::usage,
       "the recipe is not that of the run which is to be resumed: {} {}; give the recipe and --set values it "
       "was started "
       "with, or start a new run with --init",
       fmt::join(keys, ", "), keys.size() == 1 ? "differs" : "differ");
}

void check_same_corpus(const Json& fingerprint, const State& saved) {
  std::vector<std::string> keys = differing_keys(fingerprint, saved.corpus);
  std::erase_if(keys, [&](const std::string& key) { return !saved.corpus.contains(key); });  // an older one
  if (keys.empty()) return;
  fail(ErrorKind::bad_input, "the training data is not that of the snapshot: its {} changed from {} to {}",
       keys.front(), saved.corpus.value(keys.front(), Json()).dump(),
       fingerprint.value(keys.front(), Json()).dump());
}

}  // namespace nestor::train
