// What an optimizer step of a table costs for each touched row, for tables from one that fits the cache to
// one that nearly fills memory.
//   build/release/bin/table_update_bench [threads] [GiB of memory to use]
// Tables are resident, in bfloat16 with row-wise Adam without first moments, so that the largest fits. Rows
// are drawn uniformly, 32768 for each step. Not counted: making the batch, and page faults (before the clock
// runs, every page of the table is touched twice; rows themselves come from memory). Each size is measured in
// turns with the others, on rows that were not touched recently; the figure is the median over the rounds.
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "base/cpu.h"
#include "base/random.h"
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

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const nestor::CpuInfo cpu = nestor::cpu_info();
  const int threads = argc > 1 ? std::atoi(argv[1]) : cpu.cores;
  const double memory = (argc > 2 ? std::atof(argv[2]) : 16) * 0x1p30;
  at::set_num_threads(threads);
  std::string figures;
  for (const std::int64_t width : {32, 64}) {
    std::vector<Subject> subjects;
    double used = 0;
    for (const std::int64_t rows : {100'000, 1'000'000, 10'000'000, 100'000'000}) {
      Subject subject{rows, width, nestor::train::make_row_table(options_for(rows, width)), 0, {}, {}};
      used += static_cast<double>(subject.table->bytes());
      if (used > memory) {
        fmt::print("{} rows of width {} left out: they need {:.1f} GiB in all\n", rows, width, used / 0x1p30);
        break;
      }
      touch_everything(subject);
      touch_everything(subject);
      subjects.push_back(std::move(subject));
    }
    for (int round = 0; round < kRounds; ++round) {
      for (Subject& subject : subjects) measure(subject, static_cast<std::uint64_t>(round));
    }
    for (const Subject& s : subjects) {
      fmt::print("{:>11} rows of width {}: update {:6.1f} ns, gather {:6.1f} ns for each row\n", s.rows,
                 s.width, median(s.update_ns), median(s.gather_ns));
      figures +=
          fmt::format("{}{{\"rows\":{},\"width\":{},\"update_ns\":{:.1f},\"gather_ns\":{:.1f}}}",
                      figures.empty() ? "" : ",", s.rows, s.width, median(s.update_ns), median(s.gather_ns));
    }
  }
  fmt::print("{{\"bench\":\"table_update\",\"cpu\":\"{}\",\"threads\":{},\"lookups\":{},\"figures\":[{}]}}\n",
             cpu.name, threads, kLookups, figures);
  return 0;
}
