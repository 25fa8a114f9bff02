// Chat templates: messages -> the text a model reads. A subset of Jinja with Python's values, as published
// templates use it; a construct beyond it is an Error(unsupported) that names it, never other text.
//
// Variables: `messages`, `tools`, `documents`, `add_generation_prompt` and whatever else the caller gives.
// The environment is the one of the published templates: a newline after a block is dropped, blanks before
// one at a line start too, nothing is escaped, methods that change a value are hidden.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "chat/runtime.h"
#include "chat/values/text.h"

namespace nestor::chat {

/// One variable of a template. `template_text` marks a value that the caller vouches for, such as the name of
/// the model's BOS token: control tokens in it count as written by the template.
struct Variable {
  std::string name;
  Json value;
  Origin origin = Origin::input;
};
using Variables = std::vector<Variable>;

struct Rendered {
  std::string text;
  /// Byte ranges of `text` that the template wrote (its text, its string literals, variables vouched for),
  /// sorted and disjoint. Control tokens are to be recognised only inside one of them.
  std::vector<TextSpan> from_template;
  /// What `{% generation %}` blocks produced, in code points of `text`.
  std::vector<TextSpan> generation;
};

/// A parsed template. Immutable: any number of threads may render it at once.
class Template {
 public:
  /// `name` stands in messages ("chat_template.jinja"). Fails with Error(bad_input) for wrong syntax and
  /// Error(unsupported) for constructs beyond the subset; messages name the line.
  static Template parse(std::string_view source, std::string_view name);

  /// Fails with Error(bad_input) where the template raises an exception or Python would, Error(limit) beyond
  /// a limit, Error(unsupported) for what the subset lacks; messages name the line.
  Rendered render(const Variables& variables, const LocalTime& now, const Limits& limits = {}) const;

  ~Template();
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;

 private:
  struct Parsed;
  explicit Template(std::unique_ptr<const Parsed> parsed);
  std::unique_ptr<const Parsed> parsed_;
};

}  // namespace nestor::chat
