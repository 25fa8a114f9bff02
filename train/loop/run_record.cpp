#include "train/loop/run_record.h"

#include <array>

#include "base/checked_json.h"
#include "base/error.h"
#include "base/file.h"
#include "config/json_fields.h"
#include "train/loop/run_folder.h"

namespace nestor::train {
namespace {

constexpr const char* kFormat = "nestor run";
constexpr std::int64_t kVersion = 1;
constexpr std::uint64_t kMostBytes = 64U << 20;
constexpr std::array<const char*, 4> kKinds = {"random", "checkpoint", "snapshot", "unknown"};

Origin origin_of(config::Fields& fields, const std::string& what) {
  const std::string kind = fields.optional_string("origin").value_or("");
  const auto at = std::find(kKinds.begin(), kKinds.end(), kind);
  if (at == kKinds.end()) fail(ErrorKind::bad_input, "{}: origin is {}", what, in_quotes(kind));
  return {static_cast<Origin::Kind>(at - kKinds.begin()), fields.optional_string("origin_path").value_or(""),
          fields.optional_boolean("origin_optimizer").value_or(false)};
}

RunRecord parse_record(Json json, const std::string& what) {
  if (!json.is_object() || json.value("format", Json()) != kFormat)
    fail(ErrorKind::bad_input, "{}: is no record of a run", what);
  take_checksum(json, what);
  config::Fields fields(json, what);
  if (const std::int64_t version = fields.integer("version", 1, INT32_MAX); version != kVersion) {
    fail(ErrorKind::unsupported, "{}: version {}, and this program reads version {}", what, version,
         kVersion);
  }
  RunRecord record;
  record.origin = origin_of(fields, what);
  record.saved = fields.optional_boolean("saved").value_or(false);
  record.finished = fields.integer("finished", 0, std::int64_t{1} << 40);
  if (const Json* recipe = fields.optional_object("recipe")) record.recipe = *recipe;
  fields.check_missing();
  return record;
}

}  // namespace

std::string text_of(const Origin& origin) {
  switch (origin.kind) {
    case Origin::Kind::random:
      return "random weights";
    case Origin::Kind::checkpoint:
      return "the checkpoint " + origin.path;
    case Origin::Kind::snapshot:
      return fmt::format("the snapshot {} {} its optimizer", origin.path,
                         origin.optimizer ? "with" : "without");
    case Origin::Kind::unknown:
      break;
  }
  return "weights that an older version did not record";
}

void write_record(const std::filesystem::path& run, const RunRecord& r) {
  const Json json = {{"format", kFormat},
                     {"version", kVersion},
                     {"origin", kKinds[static_cast<std::size_t>(r.origin.kind)]},
                     {"origin_path", r.origin.path},
                     {"origin_optimizer", r.origin.optimizer},
                     {"saved", r.saved},
                     {"finished", r.finished},
                     {"recipe", r.recipe}};
  write_file(run / kRecordFile, to_text(with_checksum(json), 2) + "\n");
}

std::optional<RunRecord> read_record(const std::filesystem::path& run) {
  const std::filesystem::path path = run / kRecordFile;
  if (!std::filesystem::exists(path)) return std::nullopt;
  try {
    return parse_record(read_json(path, kMostBytes), path.string());
  } catch (const Error& problem) {
    const bool saved = !saved_steps(run).empty() && std::filesystem::exists(run / "recipe.json");
    fail(problem.kind(), "{}; {}", problem.what(),
         saved ? "remove this file: recipe.json and the snapshots are enough for --resume"
               : "choose another --out, or remove the folder if it was a run: nothing is saved in it");
  }
}

}  // namespace nestor::train
