// A request on its way to the scheduler.
#pragma once

#include <chrono>
#include <memory>

#include "schedule/request.h"

namespace nestor::schedule {

using Clock = std::chrono::steady_clock;

struct Submission {
  RequestId id;
  Request request;
  std::shared_ptr<Reader> reader;
  Clock::time_point at;
};

}  // namespace nestor::schedule
