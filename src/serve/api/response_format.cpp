#include "serve/api/response_format.h"

#include "serve/api/body.h"

namespace nestor::serve {

ResponseFormat read_response_format(Body& body) {
  const Json* given = body.object("response_format");
  if (given == nullptr) return {};
  Body format(*given, body.path("response_format"));
  const std::string type = format.text("type").value_or("");
  ResponseFormat read;
  if (type == "json_object") {
    read.kind = ResponseFormat::Kind::json_object;
  } else if (type == "json_schema") {
    read.kind = ResponseFormat::Kind::json_schema;
    const Json* named = format.object("json_schema");
    if (named == nullptr) format.bad("json_schema", "missing");
    Body description(*named, format.path("json_schema"));
    description.text("name");
    description.text("description");
    description.boolean("strict");  // the schema holds either way
    const Json* schema = description.any("schema");
    if (schema == nullptr) description.bad("schema", "missing");
    read.schema = *schema;
    description.refuse_unknown();
  } else if (type != "text") {
    format.bad("type", "expected text, json_object or json_schema");
  }
  format.refuse_unknown();
  return read;
}

}  // namespace nestor::serve
