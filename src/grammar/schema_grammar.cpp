// Grammars of JSON documents.
#include "base/json.h"
#include "grammar/grammar.h"
#include "grammar/json_terms.h"
#include "grammar/schema_compiler.h"

namespace nestor::grammar {
namespace {

std::shared_ptr<const Grammar> document(TermBuilder& builder, const JsonTerms& json, TermId root) {
  Terms terms = builder.build(root);
  terms.names_members_freely = json.names_members_freely();
  return std::make_shared<const Grammar>(std::move(terms));
}

}  // namespace

std::shared_ptr<const Grammar> Grammar::from_json_schema(const Json& schema, const Effort& effort) {
  Work work(effort);
  TermBuilder builder(work);
  JsonTerms json(builder, any_text());
  SchemaCompiler compiler(schema, builder, json);
  const TermId root = compiler.compile(schema, "schema");
  compiler.compile_references();
  return document(builder, json, root);
}

std::shared_ptr<const Grammar> Grammar::any_json_object() {
  Work work({});
  TermBuilder builder(work);
  JsonTerms json(builder, any_text());
  const TermId root = json.any_object();
  return document(builder, json, root);
}

}  // namespace nestor::grammar
