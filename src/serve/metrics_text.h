// Counters in Prometheus' text format (version 0.0.4).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "schedule/counters.h"

namespace nestor::serve {

/// Answers by route and status.
using HttpCounts = std::map<std::pair<std::string, int>, std::uint64_t>;

std::string metrics_text(const schedule::Snapshot& engine, const HttpCounts& http, std::size_t connections);

}  // namespace nestor::serve
