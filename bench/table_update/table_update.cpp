// What an optimizer step of a table costs for each touched row, for tables from one that fits the cache to
// one that nearly fills memory.
//   build/release/bin/table_update_bench [threads] [GiB of memory to use]
// Tables are resident, in bfloat16 with row-wise Adam without first moments, so that the largest fits. Rows
// are drawn uniformly, 32768 for each step. Not counted: making the batch, and page faults (before the clock
// runs, every page of the table is touched twice; rows themselves come from memory). Each size is measured in
// turns with the others, on rows that were not touched recently; the figure is the median over the rounds.
// Beside it stands what memory alone costs: reading a word of as many records of as much memory, fetched as
// the table fetches them. How that grows with the size is the machine's: its caches and its page tables.
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "base/cpu.h"
#include "base/random.h"
#include "train/tables/row_memory.h"
#include "train/tables/row_table.h"

namespace {

using Clock = std::chrono::steady_clock;
using nestor::train::RowBatch;
using nestor::train::RowTable;
using nestor::train::TableOptions;

constexpr std::int64_t kLookups = 32768;
constexpr int kRounds = 31;
constexpr int kStepsInARound = 4;

struct Subject {
  std::int64_t rows = 0;
  std::int64_t width = 0;
  std::unique_ptr<RowTable> table;
  std::int64_t step = 0;
  std::vector<double> update_ns, gather_ns;  // per touched row
};

TableOptions options_for(std::int64_t rows, std::int64_t width) {
  TableOptions options;
  options.name = "table";
  options.rows = rows;
  options.width = width;
  options.optimizer.kind = nestor::recipe::TableOptimizer::Kind::row_adam;
  options.optimizer.beta1 = 0;
  options.optimizer.numbers = nestor::recipe::TableOptimizer::Numbers::bf16;
  return options;
}

RowBatch random_batch(const Subject& subject, std::uint64_t number) {
  std::vector<std::int64_t> lookups(kLookups);
  for (std::size_t i = 0; i < lookups.size(); ++i) {
    const double u = nestor::uniform(number, i, static_cast<std::uint64_t>(subject.rows));
    lookups[i] = static_cast<std::int64_t>(u * static_cast<double>(subject.rows));
  }
  return nestor::train::distinct_rows(lookups);
}

// A row in every 4 KiB: page faults happen here, those of a virtual machine's host too.
void touch_everything(Subject& subject) {
  const std::uint64_t bytes = subject.table->bytes() / static_cast<std::uint64_t>(subject.rows);
  const auto stride = static_cast<std::int64_t>(4096 / bytes);
  RowBatch batch;
  for (std::int64_t row = 0; row < subject.rows; row += stride) batch.rows.push_back(row);
  const std::vector<float> gradients(batch.rows.size() * static_cast<std::size_t>(subject.width), 1e-3F);
  subject.table->update(batch.rows, gradients, {1e-3, ++subject.step, 1});
}

double nanoseconds(Clock::time_point from) {
  return std::chrono::duration<double, std::nano>(Clock::now() - from).count();
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

// Reads a word at each of the offsets, blocks of them fetched together.
std::uint64_t read_words(const std::byte* base, const std::vector<std::uint64_t>& offsets) {
  constexpr std::size_t kBlock = 32;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    if (i % kBlock == 0) {
      const std::size_t end = std::min(i + 3 * kBlock, offsets.size());
      for (std::size_t j = i + 2 * kBlock; j < end; ++j) __builtin_prefetch(base + offsets[j]);
    }
    sum += static_cast<std::uint64_t>(base[offsets[i]]);
  }
  return sum;
}

// Nanoseconds for a word in each of the sizes, which are measured in turns.
std::vector<double> memory_alone(const std::vector<std::uint64_t>& sizes) {
  std::vector<nestor::train::RowMemory> regions;
  for (const std::uint64_t bytes : sizes) {
    regions.push_back(nestor::train::RowMemory::resident(bytes));
    for (std::uint64_t at = 0; at < bytes; at += 4096) regions.back().data()[at] = std::byte{1};
  }
  std::vector<std::vector<double>> times(sizes.size());
  std::uint64_t sum = 0;
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    for (std::size_t k = 0; k < sizes.size(); ++k) {
      std::vector<std::uint64_t> offsets(kLookups);
      for (std::size_t i = 0; i < offsets.size(); ++i)
        offsets[i] =
            static_cast<std::uint64_t>(nestor::uniform(round, i, sizes[k]) * static_cast<double>(sizes[k]));
      std::sort(offsets.begin(), offsets.end());
      const auto begin = Clock::now();
      sum += read_words(regions[k].data(), offsets);
      times[k].push_back(nanoseconds(begin) / kLookups);
    }
  }
  if (sum == ~std::uint64_t{0}) fmt::print("\n");  // the sum is used, so that the reads are done
  std::vector<double> medians;
  for (const auto& t : times) medians.push_back(median(t));
  return medians;
}

void measure(Subject& subject, std::uint64_t round) {
  double update = 0, gather = 0, rows = 0;
  std::vector<float> values;
  for (int i = 0; i < kStepsInARound; ++i) {
    const RowBatch batch = random_batch(subject, round * kStepsInARound + static_cast<std::uint64_t>(i));
    values.assign(batch.rows.size() * static_cast<std::size_t>(subject.width), 1e-3F);
    const auto before_update = Clock::now();
    subject.table->update(batch.rows, values, {1e-3, ++subject.step, 1});
    update += nanoseconds(before_update);
    const RowBatch other = random_batch(subject, ~(round * kStepsInARound + static_cast<std::uint64_t>(i)));
    values.resize(other.rows.size() * static_cast<std::size_t>(subject.width));
    const auto before_gather = Clock::now();
    subject.table->gather(other.rows, values);
    gather += nanoseconds(before_gather) / static_cast<double>(other.rows.size()) *
              static_cast<double>(batch.rows.size());
    rows += static_cast<double>(batch.rows.size());
  }
  subject.update_ns.push_back(update / rows);
  subject.gather_ns.push_back(gather / rows);
}

}  // namespace

int main(int argc, char** argv) {
  const nestor::CpuInfo cpu = nestor::cpu_info();
  const int threads = argc > 1 ? std::atoi(argv[1]) : cpu.cores;
  const double memory = (argc > 2 ? std::atof(argv[2]) : 16) * 0x1p30;
  at::set_num_threads(threads);
  std::string figures;
  for (const std::int64_t width : {32, 64}) {
    std::vector<std::int64_t> sizes;
    std::vector<std::uint64_t> bytes;
    double used = 0;
    for (const std::int64_t rows : {100'000, 1'000'000, 10'000'000, 100'000'000}) {
      bytes.push_back(nestor::train::make_row_table(options_for(rows, width))->bytes());
      used += static_cast<double>(bytes.back());
      if (used > memory) {
        fmt::print("{} rows of width {} left out: they need {:.1f} GiB in all\n", rows, width, used / 0x1p30);
        bytes.pop_back();
        break;
      }
      sizes.push_back(rows);
    }
    const std::vector<double> memory_ns = memory_alone(bytes);
    std::vector<Subject> subjects;
    for (const std::int64_t rows : sizes) {
      subjects.push_back({rows, width, nestor::train::make_row_table(options_for(rows, width)), 0, {}, {}});
      touch_everything(subjects.back());
      touch_everything(subjects.back());
    }
    for (int round = 0; round < kRounds; ++round) {
      for (Subject& subject : subjects) measure(subject, static_cast<std::uint64_t>(round));
    }
    for (std::size_t i = 0; i < subjects.size(); ++i) {
      const Subject& s = subjects[i];
      const double update = median(s.update_ns), gather = median(s.gather_ns);
      fmt::print(
          "{:>11} rows of width {}: update {:6.1f} ns, gather {:6.1f} ns for each row; memory alone {:6.1f} "
          "ns\n",
          s.rows, s.width, update, gather, memory_ns[i]);
      figures += fmt::format(
          "{}{{\"rows\":{},\"width\":{},\"update_ns\":{:.1f},\"gather_ns\":{:.1f},\"memory_ns\":{:.1f}}}",
          figures.empty() ? "" : ",", s.rows, s.width, update, gather, memory_ns[i]);
    }
  }
  fmt::print("{{\"bench\":\"table_update\",\"cpu\":\"{}\",\"threads\":{},\"lookups\":{},\"figures\":[{}]}}\n",
             cpu.name, threads, kLookups, figures);
  return 0;
}
