// What it costs to read the n-gram rows of a token from disk: all asked for as soon as they are known, as the
// engine does, against one after the other, against rows in memory, and against what the disk gives.
//   build/release/bin/row_fetch_bench FILE [rows of a token]     FILE: some GB on the disk to measure
// Rows of 512 bytes at random places of the file, which is dropped from memory before each case (its pages
// must not be in use). The last line is one JSON object.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "base/cpu.h"
#include "base/error.h"
#include "base/random.h"
#include "measure/ceilings.h"
#include "ngram/row_store.h"

namespace {

using nestor::ngram::FileRowStore;

constexpr std::int64_t kWidth = 256;  // of bfloat16
constexpr int kTokens = 400;

std::vector<std::int64_t> random_rows(const FileRowStore& store, std::int64_t count, std::uint64_t token) {
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < count; ++i) {
    const double u = nestor::uniform(token, static_cast<std::uint64_t>(i), 1);
    rows.push_back(static_cast<std::int64_t>(u * static_cast<double>(store.rows())));
  }
  return rows;
}

// Median microseconds of a token whose rows are fetched by `fetch(rows, out)`.
template <typename Fetch>
double microseconds(const FileRowStore& store, std::int64_t count, std::uint64_t seed, const Fetch& fetch) {
  std::vector<std::byte> out(static_cast<std::size_t>(count * store.row_bytes()));
  std::vector<double> times;
  for (std::uint64_t token = 0; token < kTokens; ++token) {
    const auto rows = random_rows(store, count, seed * kTokens + token);
    const auto start = std::chrono::steady_clock::now();
    fetch(rows, out);
    times.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

void measure(const char* path, std::int64_t count) {
  const nestor::InputFile file(path);
  constexpr std::uint64_t kLeast = std::uint64_t{1} << 28;
  if (file.size() < kLeast) {
    nestor::fail(nestor::ErrorKind::usage, "{}: {} bytes are too few for random reads, expected at least {}",
                 path, file.size(), kLeast);
  }
  const FileRowStore store(file, 0, static_cast<std::int64_t>(file.size()) / (2 * kWidth), kWidth,
                           nestor::quant::Format::bf16);
  std::vector<std::size_t> waiting(static_cast<std::size_t>(count));
  const auto drop = [&] { ::posix_fadvise(file.descriptor(), 0, 0, POSIX_FADV_DONTNEED); };
  const auto together = [&](std::span<const std::int64_t> rows, std::span<std::byte> out) {
    store.finish(rows, std::span(waiting).first(store.begin(rows, out, waiting)), out);
  };
  const auto one_by_one = [&](std::span<const std::int64_t> rows, std::span<std::byte> out) {
    const auto bytes = static_cast<std::size_t>(store.row_bytes());
    for (std::size_t i = 0; i < rows.size(); ++i) together(rows.subspan(i, 1), out.subspan(i * bytes, bytes));
  };
  drop();
  const double asked = microseconds(store, count, 1, together);
  const double in_memory = microseconds(store, count, 1, together);
  drop();
  const double alone = microseconds(store, count, 2, one_by_one);
  drop();
  const double disk = nestor::measure::disk_reads(path, 64),
               disk_alone = nestor::measure::disk_reads(path, 1);
  const double rate = static_cast<double>(count) / asked * 1e6;
  fmt::print(
      "{} rows of a token: all asked for first {:.0f} us, one after the other {:.0f} us, in memory {:.1f} "
      "us\n",
      count, asked, alone, in_memory);
  fmt::print("{:.0f} rows a second, {:.0f} % of the disk's {:.0f} reads (64 at once; one at once {:.0f})\n",
             rate, 100 * rate / disk, disk, disk_alone);
  fmt::print(
      "{{\"bench\":\"row_fetch\",\"cpu\":\"{}\",\"rows\":{},\"together_us\":{:.1f},\"one_by_one_us\":{:.1f},"
      "\"memory_us\":{:.2f},\"rows_per_s\":{:.0f},\"disk_reads_per_s\":{:.0f},\"disk_share\":{:.3f}}}\n",
      nestor::cpu_info().name, count, asked, alone, in_memory, rate, disk, rate / disk);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "expected: row_fetch_bench FILE [rows of a token]\n");
    return 2;
  }
  try {
    measure(argv[1], argc > 2 ? std::clamp(std::atoi(argv[2]), 1, 100'000) : 12);
  } catch (const nestor::Error& e) {
    fmt::print(stderr, "row_fetch_bench: {}\n", e.what());
    return 1;
  }
  return 0;
}
