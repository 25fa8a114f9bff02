// run.json: what was asked of a run. It makes a folder that of a run, is written before anything else, and
// tells a run that goes on what its first call said.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/json.h"

namespace nestor::train {

inline constexpr const char* kRecordFile = "run.json";

/// Where the weights come from that a run begins with.
struct Origin {
  enum class Kind { random, checkpoint, snapshot, unknown };  // unknown: begun before this was recorded
  Kind kind = Kind::random;
  std::string path = {};   // absolute, of a checkpoint or a snapshot
  bool optimizer = false;  // of the snapshot: the state of its optimizer, too
};

/// "random weights", "the checkpoint /a/b", ...
std::string text_of(const Origin& origin);

struct RunRecord {
  Origin origin;
  Json recipe;                // resolved
  bool saved = false;         // there was a snapshot
  std::int64_t finished = 0;  // steps of the checkpoint in DIR/final; 0: there is none
};

void write_record(const std::filesystem::path& run, const RunRecord& record);

/// Nothing if there is no such file. Error(bad_input) for one that is no record or damaged, unsupported for a
/// later version.
std::optional<RunRecord> read_record(const std::filesystem::path& run);

}  // namespace nestor::train
