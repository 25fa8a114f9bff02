#include "assemble/kept_streams.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "measure/streams.h"
#include "quant/matrix.h"

namespace nestor::assemble {
namespace {

using kernels::Format;
using kernels::Reading;

constexpr std::uint64_t kMostKeptBytes = 1 << 20;
// Other numbers of another version mean nothing to this one.
constexpr const char* kForm = "nestor streams 1";

Json kept_in(const std::filesystem::path& file) {
  Json nothing = {{"form", kForm}};
  try {
    std::error_code error;
    if (file.empty() || !std::filesystem::is_regular_file(file, error)) return nothing;
    Json kept = read_json(file, kMostKeptBytes);
    return kept.is_object() && kept.value("form", Json()) == kForm ? kept : nothing;
  } catch (const Error&) {
    return nothing;
  }
}

// One that is tried: what is not was written by somebody else.
std::optional<Reading> reading_of(const Json& pair, Format format, std::int64_t rows) {
  if (!pair.is_array() || pair.size() != 2) return std::nullopt;
  for (const Reading& known : measure::readings(format, rows)) {
    if (pair[0] == known.side_by_side && pair[1] == known.bytes_ahead) return known;
  }
  return std::nullopt;
}

// Whether the choice for a format could be read.
bool read(const Json& own, Format format, kernels::Streams& streams) {
  const auto found = own.is_object() ? own.find(std::string(quant::name_of(format))) : own.end();
  if (found == own.end() || !found->is_array() || found->size() != 2) return false;
  const auto one = reading_of((*found)[0], format, 1);
  const auto few = reading_of((*found)[1], format, 2);
  if (!one || !few) return false;
  streams.one(format) = *one;
  streams.few(format) = *few;
  return true;
}

Json pair_of(const Reading& reading) { return {reading.side_by_side, reading.bytes_ahead}; }

void keep(const std::filesystem::path& file, const Json& all) {
  if (file.empty()) return;
  try {
    std::error_code error;
    std::filesystem::create_directories(file.parent_path(), error);
    write_file(file, to_text(all, 1) + "\n");
  } catch (const Error&) {  // measured again next time
  }
}

}  // namespace

kernels::Streams kept_streams(const std::filesystem::path& file, const StreamsKey& key,
                              std::span<const Format> formats, StreamChoice choice,
                              const MeasureStreams& measure) {
  Json all = kept_in(file);
  Json& own = all[fmt::format("{} ({:x}), {}, {} threads", key.cpu.name, key.cpu.signature, key.kernel_set,
                              key.threads)];
  kernels::Streams streams;
  std::vector<Format> missing;
  for (const Format format : formats) {
    if (choice == StreamChoice::measured || !read(own, format, streams)) missing.push_back(format);
  }
  if (missing.empty()) return streams;
  auto [measured, steady] = measure(missing);
  if (!own.is_object()) own = Json::object();
  for (const Format format : missing) {
    streams.one(format) = measured.one(format);
    streams.few(format) = measured.few(format);
    own[std::string(quant::name_of(format))] = {pair_of(measured.one(format)), pair_of(measured.few(format))};
  }
  if (steady) keep(file, all);
  return streams;
}

std::vector<Format> formats_beyond_caches(const std::array<std::uint64_t, kernels::kFormats>& bytes) {
  constexpr std::uint64_t kMostCached = std::uint64_t{64} << 20;
  std::vector<Format> formats;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] >= kMostCached) formats.push_back(static_cast<Format>(i));
  }
  return formats;
}

std::string text_of(kernels::Streams streams, std::span<const Format> formats) {
  std::string text;
  for (const Format format : formats) {
    const Reading one = streams.one(format), few = streams.few(format);
    text += fmt::format("{}{} {}+{} {}+{}", text.empty() ? "" : ", ", quant::name_of(format),
                        one.side_by_side, one.bytes_ahead, few.side_by_side, few.bytes_ahead);
  }
  return text;
}

}  // namespace nestor::assemble
