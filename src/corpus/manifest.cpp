#include "corpus/manifest.h"

#include <algorithm>
#include <initializer_list>

#include "base/checked_json.h"
#include "base/error.h"

namespace nestor::corpus {
namespace {

constexpr std::string_view kFormat = "nestor corpus";
constexpr std::int64_t kMaxVocab = std::int64_t{1} << 31;

// One object of the file; every key must be among those known.
class Fields {
 public:
  Fields(const Json& object, std::string path, std::string_view what,
         std::initializer_list<std::string_view> known)
      : object_(object), path_(std::move(path)), what_(what) {
    if (!object.is_object()) {
      fail(ErrorKind::bad_input, "{}: {}expected an object, found {}", what, path_, kind_of(object));
    }
    for (const auto& item : object.items()) {
      if (std::find(known.begin(), known.end(), item.key()) == known.end()) {
        fail(ErrorKind::bad_input, "{}: {}unknown key {}; was the corpus written by a later version?", what,
             path_, in_quotes(item.key()));
      }
    }
  }

  const Json& at(std::string_view key) const {
    const auto it = object_.find(std::string(key));
    if (it == object_.end()) {
      fail(ErrorKind::bad_input, "{}: {}the key \"{}\" is missing; pack the corpus again", what_, path_, key);
    }
    return *it;
  }

  std::int64_t whole(std::string_view key, std::int64_t least, std::int64_t most) const {
    const Json& value = at(key);
    const bool fits = value.is_number_unsigned()
                          ? value.get<std::uint64_t>() <= static_cast<std::uint64_t>(most)
                          : value.is_number_integer() && value.get<std::int64_t>() <= most;
    if (!fits || value.get<std::int64_t>() < least) {
      fail(ErrorKind::bad_input, "{}: {}\"{}\" must be a whole number from {} to {}, found {}", what_, path_,
           key, least, most, in_quotes(to_text(value)));
    }
    return value.get<std::int64_t>();
  }

  std::string text(std::string_view key) const {
    const Json& value = at(key);
    if (!value.is_string()) {
      fail(ErrorKind::bad_input, "{}: {}\"{}\" must be a string, found {}", what_, path_, key,
           kind_of(value));
    }
    return value.get<std::string>();
  }

 private:
  const Json& object_;
  std::string path_;
  std::string_view what_;
};

SplitSummary parse_split(const Json& object, const std::string& name, std::string_view what) {
  const Fields fields(object, "\"splits\"." + name + ": ", what,
                      {"documents", "tokens", "text_bytes", "checksum"});
  SplitSummary split;
  split.tokens = fields.whole("tokens", 0, kMaxTokens);
  // Every document has its EOS, and may be nothing else.
  split.documents = fields.whole("documents", split.tokens > 0 ? 1 : 0, split.tokens);
  split.text_bytes = fields.whole("text_bytes", 0, std::int64_t{1} << 60);
  if (object.contains("checksum")) {
    split.checksum = static_cast<std::uint32_t>(fields.whole("checksum", 0, UINT32_MAX));
  }
  return split;
}

Removed parse_removed(const Json& object, std::string_view what) {
  const Fields fields(object, "\"removed\": ", what,
                      {"empty_documents", "duplicate_documents", "duplicate_bytes", "repeated_lines",
                       "repeated_line_bytes", "bad_lines"});
  constexpr std::int64_t kMost = std::int64_t{1} << 60;
  Removed removed;
  removed.empty_documents = fields.whole("empty_documents", 0, kMost);
  removed.duplicate_documents = fields.whole("duplicate_documents", 0, kMost);
  removed.duplicate_bytes = fields.whole("duplicate_bytes", 0, kMost);
  removed.repeated_lines = fields.whole("repeated_lines", 0, kMost);
  removed.repeated_line_bytes = fields.whole("repeated_line_bytes", 0, kMost);
  if (object.contains("bad_lines")) removed.bad_lines = fields.whole("bad_lines", 1, kMost);
  return removed;
}

Json split_json(const SplitSummary& split) {
  Json json = {{"documents", split.documents}, {"tokens", split.tokens}, {"text_bytes", split.text_bytes}};
  if (split.checksum) json["checksum"] = *split.checksum;
  return json;
}

Manifest parsed(std::string_view json, std::string_view what) {
  Json root = parse_json(json, what);
  if (root.is_object() && root.contains("checksum")) take_checksum(root, what);
  const Fields fields(root, "", what,
                      {"format", "version", "tokenizer", "vocab_size", "eos", "id_bytes", "tokens_per_file",
                       "splits", "heldout_fraction", "removed", "sources"});
  if (fields.text("format") != kFormat) {
    fail(ErrorKind::bad_input, "{}: \"format\" must be \"{}\", found {}", what, kFormat,
         in_quotes(fields.text("format")));
  }
  const std::int64_t version = fields.whole("version", 1, std::int64_t{1} << 31);
  if (version != kManifestVersion) {
    fail(ErrorKind::unsupported, "{}: version {}, and this program reads version {}; pack the corpus again",
         what, version, kManifestVersion);
  }
  Manifest m;
  m.tokenizer = fields.text("tokenizer");
  m.vocab_size = fields.whole("vocab_size", 1, kMaxVocab);
  m.eos = static_cast<TokenId>(fields.whole("eos", 0, m.vocab_size - 1));
  m.id_bytes = fields.whole("id_bytes", id_bytes_for(m.vocab_size), id_bytes_for(m.vocab_size));
  m.tokens_per_file = fields.whole("tokens_per_file", 1, kMaxTokensPerFile);
  const Fields splits(fields.at("splits"), "\"splits\": ", what, {"train", "heldout"});
  m.train = parse_split(splits.at("train"), "train", what);
  m.heldout = parse_split(splits.at("heldout"), "heldout", what);
  if (std::max(m.train.tokens, m.heldout.tokens) / m.tokens_per_file >= kMaxFilesPerSplit) {
    fail(ErrorKind::bad_input, "{}: {} tokens in files of {} would be more than {} files", what,
         std::max(m.train.tokens, m.heldout.tokens), m.tokens_per_file, kMaxFilesPerSplit);
  }
  const Json& fraction = fields.at("heldout_fraction");
  m.heldout_fraction = fraction.is_number() ? fraction.get<double>() : -1;
  if (!(m.heldout_fraction >= 0 && m.heldout_fraction <= 1)) {
    fail(ErrorKind::bad_input, "{}: \"heldout_fraction\" must be a number from 0 to 1, found {}", what,
         in_quotes(to_text(fraction)));
  }
  m.removed = parse_removed(fields.at("removed"), what);
  const Json& sources = fields.at("sources");
  if (!sources.is_array()) {
    fail(ErrorKind::bad_input, "{}: \"sources\" must be a list, found {}", what, kind_of(sources));
  }
  for (const Json& source : sources) {
    if (!source.is_string()) {
      fail(ErrorKind::bad_input, "{}: \"sources\" must hold strings, found {}", what, kind_of(source));
    }
    m.sources.push_back(source.get<std::string>());
  }
  return m;
}

}  // namespace

std::int64_t id_bytes_for(std::int64_t vocab_size) { return vocab_size <= 65536 ? 2 : 4; }

Manifest parse_manifest(std::string_view json, std::string_view what) {
  try {
    return parsed(json, what);
  } catch (const Error& problem) {
    if (problem.kind() != ErrorKind::bad_input) throw;
    fail(ErrorKind::bad_input, "{}; {}", problem.what(), kPackAgain);
  }
}

Json to_json(const Manifest& m) {
  Json json;
  json["format"] = kFormat;
  json["version"] = kManifestVersion;
  json["tokenizer"] = m.tokenizer;
  json["vocab_size"] = m.vocab_size;
  json["eos"] = m.eos;
  json["id_bytes"] = m.id_bytes;
  json["tokens_per_file"] = m.tokens_per_file;
  json["splits"] = Json{{"train", split_json(m.train)}, {"heldout", split_json(m.heldout)}};
  json["heldout_fraction"] = m.heldout_fraction;
  json["removed"] = Json{{"empty_documents", m.removed.empty_documents},
                         {"duplicate_documents", m.removed.duplicate_documents},
                         {"duplicate_bytes", m.removed.duplicate_bytes},
                         {"repeated_lines", m.removed.repeated_lines},
                         {"repeated_line_bytes", m.removed.repeated_line_bytes}};
  if (m.removed.bad_lines > 0) json["removed"]["bad_lines"] = m.removed.bad_lines;
  json["sources"] = m.sources;
  return json;
}

}  // namespace nestor::corpus
