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

/// The engine's counters, and those of the server: open connections, and lines of the log that were dropped.
std::string metrics_text(const schedule::Snapshot& engine, const HttpCounts& http, std::size_t connections,
                         std::uint64_t log_lines_dropped);

}  // namespace nestor::serve
