// JSON Schema -> terms.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/json_fwd.h"
#include "grammar/json_terms.h"
#include "grammar/schema.h"
#include "grammar/terms.h"

namespace nestor::grammar {

/// Compiles the schemas of one document. Errors as Grammar::from_json_schema().
class SchemaCompiler {
 public:
  /// Keeps references to all of them.
  SchemaCompiler(const Json& root, TermBuilder& builder, JsonTerms& json)
      : schema_(root, builder.work()), builder_(builder), json_(json) {}

  /// The documents of `schema`, which is a part of the root; `where` names it in messages.
  TermId compile(const Json& schema, const std::string& where);

  /// Has to be called once, after the last compile(): what references name.
  void compile_references();

  /// What a schema of type string says about the text: pattern, format and length together.
  CharDfa text_of(const Json& schema, const std::string& where);

  /// The values of enum or const; nothing if there is neither.
  static std::optional<std::vector<Json>> listed_values(const Json& schema, const std::string& where);

  Schema& schema() { return schema_; }

 private:
  TermId reference(const std::string& name, const std::string& where);
  TermId one_of_values(const Json& schema, const std::vector<Json>& values, const std::string& where);
  TermId alternatives(const Json& schema, const char* keyword, const std::string& where);
  TermId of_type(const Json& schema, const std::string& type, const std::string& where);
  TermId string(const Json& schema, const std::string& where);
  TermId number(const Json& schema, const std::string& type, const std::string& where);
  TermId array(const Json& schema, const std::string& where);
  TermId object(const Json& schema, const std::string& where);

  Schema schema_;
  TermBuilder& builder_;
  JsonTerms& json_;
  std::map<std::string, TermId> references_;
  std::vector<std::pair<std::string, TermId>> waiting_;  // references whose rules are not defined yet
  int depth_ = 0;
  std::size_t compiled_ = 0;
};

}  // namespace nestor::grammar
