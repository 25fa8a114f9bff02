// A configuration that is accepted, to be spoiled by tests.
#pragma once

#include "base/json.h"
#include "config/parse_config.h"
#include "support/golden.h"
#include "support/refusal.h"

namespace nestor::config {

inline Json sample() { return read_json(testing::golden_folder("lite_small") / "config.json", 1 << 20); }

inline Json plain_sample() {
  return read_json(testing::golden_folder("plain_flash") / "config.json", 1 << 20);
}

inline Json with(const std::string& key, const Json& value, Json json = sample()) {
  json[key] = value;
  return json;
}

inline Json without(const std::string& key, Json json = sample()) {
  json.erase(key);
  return json;
}

inline ModelConfig parse(const Json& json, const AcceptedKeys& accepted = {}) {
  return parse_config(json, "config.json", accepted);
}

}  // namespace nestor::config
