// The choice of how weights are read (kernels/streams.h), kept in a file so that it is measured once on a
// machine.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "kernels/op_args.h"
#include "kernels/streams.h"
#include "measure/streams.h"

namespace nestor::assemble {

/// Where the choice comes from: a file or else a measurement, a measurement whatever the file has, or what is
/// built in.
enum class StreamChoice { kept, measured, built_in };

/// For whom a choice was made: another processor, set or number of threads has another.
struct StreamsKey {
  CpuInfo cpu;
  std::string kernel_set;
  int threads;
};

using MeasureStreams = std::function<measure::FoundStreams(std::span<const kernels::Format>)>;

/// Takes from the file what it has for the key and these formats unless measuring is asked for, measures the
/// rest, and keeps it there if nothing disturbed that. A file that is damaged, of another form or cannot be
/// written means measuring, never an error; an empty path keeps nothing.
kernels::Streams kept_streams(const std::filesystem::path& file, const StreamsKey& key,
                              std::span<const kernels::Format> formats, StreamChoice choice,
                              const MeasureStreams& measure);

/// Those of which a model has more bytes than a cache holds; the others are read fast either way.
std::vector<kernels::Format> formats_beyond_caches(const std::array<std::uint64_t, kernels::kFormats>& bytes);

/// "q4 1+0 1+2048, q8 2+4608 ...": for each format rows side by side and bytes ahead, for one row and for a
/// few.
std::string text_of(kernels::Streams streams, std::span<const kernels::Format> formats);

}  // namespace nestor::assemble
