// Which way of reading weights (kernels/streams.h) is fastest on this machine: found by trying those that a
// set has.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/op_args.h"
#include "kernels/parallel.h"
#include "kernels/streams.h"

namespace nestor::measure {

/// The ways to read a format that are tried, the built-in one first; of one row of activations or of a few.
std::span<const kernels::Reading> readings(kernels::Format format, std::int64_t rows);

struct FoundStreams {
  kernels::Streams streams;
  bool steady = true;  // no winner was much faster at times: nothing else used the machine
};

/// The fastest for each of the formats with the threads of the team, for weights that no cache holds; what is
/// built in for the others. Takes some 40 ms for each format, and some tens of megabytes meanwhile.
FoundStreams fastest_streams(const kernels::OpTable& ops, kernels::Team& team,
                             std::span<const kernels::Format> formats);

}  // namespace nestor::measure
