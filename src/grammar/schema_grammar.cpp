// Grammars of JSON documents.
#include "base/json.h"
#include "grammar/grammar.h"
#include "grammar/json_terms.h"
#include "grammar/schema_compiler.h"

namespace nestor::grammar {

std::shared_ptr<const Grammar> Grammar::from_json_schema(const Json& schema) {
  TermBuilder builder;
  JsonTerms json(builder, any_text());
  SchemaCompiler compiler(schema, builder, json);
  const TermId root = compiler.compile(schema, "schema");
  compiler.compile_references();
  return std::make_shared<const Grammar>(builder.build(root));
}

std::shared_ptr<const Grammar> Grammar::any_json_object() {
  TermBuilder builder;
  JsonTerms json(builder, any_text());
  return std::make_shared<const Grammar>(builder.build(json.any_object()));
}

}  // namespace nestor::grammar
