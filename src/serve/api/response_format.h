// response_format: whether an answer must be JSON, and of which schema.
#pragma once

#include "base/json.h"

namespace nestor::serve {

class Body;

struct ResponseFormat {
  enum class Kind { text, json_object, json_schema };
  Kind kind = Kind::text;
  Json schema = nullptr;  // of json_schema
};

/// Throws RequestError. What the schema says is not looked at here.
ResponseFormat read_response_format(Body& body);

}  // namespace nestor::serve
