// Languages that generated text can be held to: the JSON documents of a schema, any JSON object, or calls of
// declared tools in LongCat's form. docs/structured-output.md says what of JSON Schema is done and how texts
// are written: white space is bounded, properties come in the order of the schema.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/json_fwd.h"
#include "grammar/work.h"

namespace nestor::grammar {

class LeafMasks;
class Vocabulary;
struct Terms;

/// Which of the declared tools have to be called.
struct ToolChoice {
  std::optional<std::string> name;  // this one; otherwise any
  std::int64_t max_calls = 16;      // at least one; 1 where calls in parallel are not wanted
};

/// A compiled grammar. Const and thread-safe: share it between sequences and requests, which then share what
/// was found out about it.
class Grammar {
 public:
  /// The JSON documents that a schema describes. Throws Error: bad_input (not a schema), unsupported (the
  /// message names the keyword and its place), limit (too large; or no document can satisfy it within the
  /// limits), EffortSpent (the same: more to do than `effort`), cancelled (`effort` was to stop).
  static std::shared_ptr<const Grammar> from_json_schema(const Json& schema, const Effort& effort = {});

  /// Any JSON object.
  static std::shared_ptr<const Grammar> any_json_object();

  /// Calls of tools, as chat/answer_parser.h reads them. `tools` is the list of an OpenAI request. Throws as
  /// from_json_schema(), and Error(not_found) if the tool to be called is not declared.
  static std::shared_ptr<const Grammar> tool_calls(const Json& tools, const ToolChoice& choice,
                                                   const Effort& effort = {});

  /// Whether a whole text belongs to the language (control markers spelled out). Throws Error(limit) where
  /// reading it takes too much.
  bool matches(std::string_view text) const;

  explicit Grammar(Terms terms);
  ~Grammar();
  Grammar(const Grammar&) = delete;
  Grammar& operator=(const Grammar&) = delete;

  /// Memory that it takes, about, without the masks of a vocabulary.
  std::size_t bytes() const { return bytes_; }

  // For the rest of this room.
  const Terms& terms() const { return *terms_; }
  std::shared_ptr<LeafMasks> masks_for(const std::shared_ptr<const Vocabulary>& vocabulary) const;

 private:
  struct Masks;  // those of the vocabulary that was used last

  std::unique_ptr<const Terms> terms_;
  std::size_t bytes_;
  std::unique_ptr<Masks> masks_;
};

}  // namespace nestor::grammar
