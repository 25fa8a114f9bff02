#include "train/tables/stored_rows.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <ATen/Parallel.h>
#include "base/error.h"

namespace nestor::train {
namespace {

using recipe::TableOptimizer;

constexpr std::int64_t kRowsForAThread = 512;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 46;
constexpr std::int64_t kMostSteps = std::int64_t{1} << 31;

// RowFormat::bytes must not overflow: a record has at most 12 * 2^20 + 16 bytes.
constexpr std::int64_t kMostRows = std::int64_t{1} << 38;

const TableOptions& checked(const TableOptions& options) {
  const TableOptimizer& o = options.optimizer;
  const auto refuse = [&](std::string_view what) {
    fail(ErrorKind::usage, "table {}: {}", in_quotes(options.name), what);
  };
  if (options.name.empty() || options.name.front() == '.' || options.name.find('/') != std::string::npos) {
    refuse("its name has to do as the name of a file");
  }
  if (options.rows < 1 || options.rows > kMostRows) refuse("the number of rows must be 1 to 2^38");
  if (!(options.amplification > 0) || !std::isfinite(options.amplification))
    refuse("amplification must be above 0");
  if (!(o.epsilon > 0)) refuse("epsilon must be above 0: rows begin without moments");
  if (o.kind == TableOptimizer::Kind::row_adagrad) return options;
  if (!(o.beta1 >= 0) || !(o.beta2 > 0 && o.beta2 < 1) || !(o.beta1 * o.beta1 < o.beta2)) {
    // Else the steps that Adam goes on making without gradient do not shrink.
    refuse("beta1 must be at least 0 and its square less than beta2, which is less than 1");
  }
  return options;
}

RowMemory memory_for(const TableOptions& options, const RowFormat& format) {
  const std::uint64_t bytes = format.bytes(options.rows);
  if (bytes > kMostBytes) {
    fail(ErrorKind::limit, "table {}: {} rows of {} bytes are more than the {} bytes that are possible",
         in_quotes(options.name), options.rows, format.record, kMostBytes);
  }
  if (options.optimizer.storage == TableOptimizer::Storage::resident) return RowMemory::resident(bytes);
  return RowMemory::mapped(bytes, options.scratch);
}

double momentum_of(const TableOptimizer& optimizer) {
  return optimizer.kind == TableOptimizer::Kind::row_adagrad ? 0.0 : optimizer.beta1;
}

}  // namespace

std::unique_ptr<RowTable> make_row_table(const TableOptions& options) {
  return std::make_unique<StoredRows>(options);
}

StoredRows::StoredRows(const TableOptions& options)
    : options_(checked(options)),
      format_(row_format(options.width, options.optimizer)),
      memory_(memory_for(options, format_)),
      catch_up_(momentum_of(options.optimizer), options.optimizer.beta2),
      first_decay_(options.optimizer.beta1),
      second_decay_(options.optimizer.beta2),
      live_(options.rows) {}

RowShape StoredRows::shape() const {
  return {options_.rows, options_.width, static_cast<std::uint32_t>(options_.optimizer.kind),
          static_cast<std::uint32_t>(options_.optimizer.numbers), format_.record};
}

void StoredRows::gather(std::span<const std::int64_t> rows, std::span<float> out) const {
  if (out.size() != rows.size() * static_cast<std::size_t>(options_.width)) {
    fail(ErrorKind::usage, "table {}: {} rows of width {} do not fill {} numbers", in_quotes(options_.name),
         rows.size(), options_.width, out.size());
  }
  for (const std::int64_t row : rows) {
    if (row < 0 || row >= options_.rows) {
      fail(ErrorKind::usage, "table {}: row {} of {}", in_quotes(options_.name), row, options_.rows);
    }
  }
  if (memory_.is_mapped_file()) {
    std::vector<std::uint64_t> offsets(rows.size());
    std::transform(rows.begin(), rows.end(), offsets.begin(),
                   [&](std::int64_t row) { return format_.offset(row); });
    memory_.expect(offsets, format_.record);
  }
  const auto epsilon = static_cast<float>(options_.optimizer.epsilon / options_.amplification);
  at::parallel_for(
      0, static_cast<std::int64_t>(rows.size()), kRowsForAThread, [&](std::int64_t begin, std::int64_t end) {
        gather_rows(format_, memory_.data(),
                    rows.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
                    catch_up_.drift(), epsilon, out.data() + begin * options_.width);
      });
}

RowRule StoredRows::rule(const RowStep& step) const {
  const TableOptimizer& o = options_.optimizer;
  const bool adagrad = o.kind == TableOptimizer::Kind::row_adagrad;
  const auto s = static_cast<double>(step.step);
  const double second = adagrad ? 1 : std::sqrt(1 - std::pow(o.beta2, s));
  const double first = adagrad ? 1 : 1 - std::pow(o.beta1, s);
  RowRule rule;
  rule.kind = o.kind;
  rule.size = static_cast<float>(step.learning_rate * options_.amplification * second / first);
  rule.plain_epsilon = static_cast<float>(o.epsilon / options_.amplification);
  rule.epsilon = static_cast<float>(o.epsilon / options_.amplification * second);
  rule.take1 = static_cast<float>(1 - momentum_of(o));
  rule.take2 = static_cast<float>(1 - o.beta2);
  rule.gradient_scale = static_cast<float>(step.gradient_scale);
  rule.step = static_cast<std::uint32_t>(step.step);
  rule.seed = options_.seed;
  rule.drift = catch_up_.drift();
  rule.first = &first_decay_;
  rule.second = &second_decay_;
  return rule;
}

void StoredRows::check_update(std::span<const std::int64_t> rows, std::span<const float> gradients,
                              const RowStep& step) const {
  if (step.step != catch_up_.steps() + 1 || step.step >= kMostSteps) {
    fail(ErrorKind::usage,
         "table {}: step {} after step {}; every step has to update every table, with no rows too",
         in_quotes(options_.name), step.step, catch_up_.steps());
  }
  if (gradients.size() != rows.size() * static_cast<std::size_t>(options_.width)) {
    fail(ErrorKind::usage, "table {}: {} gradients for {} rows of width {}", in_quotes(options_.name),
         gradients.size(), rows.size(), options_.width);
  }
  std::int64_t before = -1;
  for (const std::int64_t row : rows) {
    if (row <= before || row >= options_.rows) {
      fail(ErrorKind::usage, "table {}: row {} after {}; rows to update ascend from 0 to below {}",
           in_quotes(options_.name), row, before, options_.rows);
    }
    before = row;
  }
}

void StoredRows::update(std::span<const std::int64_t> rows, std::span<const float> gradients,
                        const RowStep& step) {
  check_update(rows, gradients, step);
  const RowRule now = rule(step);
  at::parallel_for(
      0, static_cast<std::int64_t>(rows.size()), kRowsForAThread, [&](std::int64_t begin, std::int64_t end) {
        const auto mine =
            rows.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
        update_rows(format_, memory_.data(), mine, gradients.data() + begin * options_.width, now);
        live_.add(mine);
      });
  catch_up_.advance(now.size);
}

void StoredRows::assign(std::int64_t first, std::span<const float> values) {
  const auto width = static_cast<std::size_t>(options_.width);
  const auto count = static_cast<std::int64_t>(values.size() / width);
  if (values.size() % width != 0 || first < 0 || first > options_.rows || count > options_.rows - first) {
    fail(ErrorKind::usage, "table {}: {} numbers do not make rows of width {} from row {} of {}",
         in_quotes(options_.name), values.size(), width, first, options_.rows);
  }
  assign_rows(format_, memory_.data(), first, count, values.data());
  std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), first);
  live_.add(rows);
}

void StoredRows::save(const std::filesystem::path& folder, std::int64_t number) {
  if (number < 0) fail(ErrorKind::usage, "snapshots count from 0, found {}", number);
  const std::vector<std::int64_t> rows = live_.rows();
  RowSnapshot snapshot;
  snapshot.head = {number, number, shape(), catch_up_.steps(), static_cast<std::int64_t>(rows.size())};
  snapshot.drift = catch_up_.exact();
  snapshot.rows = rows;
  snapshot.record = [&](std::int64_t row) { return memory_.data() + format_.offset(row); };
  write_row_snapshot(row_snapshot_path(folder, options_.name, number), snapshot);
}

void StoredRows::load(const std::filesystem::path& folder, std::int64_t number) {
  if (catch_up_.steps() != 0 || live_.size() != 0) {
    fail(ErrorKind::usage, "table {}: a snapshot is loaded into a table just made, this one was used",
         in_quotes(options_.name));
  }
  // Newest first; all are checked before the table changes.
  std::vector<std::unique_ptr<RowSnapshotFile>> files;
  for (std::int64_t at = number;; at = files.back()->head().previous) {
    files.push_back(
        std::make_unique<RowSnapshotFile>(row_snapshot_path(folder, options_.name, at), shape(), at));
    if (files.back()->head().previous == at) break;
  }
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    const std::span<const std::int64_t> rows = (*file)->rows();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto record = (*file)->record(static_cast<std::int64_t>(i));
      std::copy(record.begin(), record.end(), memory_.data() + format_.offset(rows[i]));
    }
    live_.add(rows);
  }
  catch_up_.restore(files.front()->drift());
}

void StoredRows::prune(const std::filesystem::path& folder, std::span<const std::int64_t> keep) const {
  std::vector<std::int64_t> needed;
  for (const std::int64_t number : keep) {
    for (std::int64_t at = number;;) {
      needed.push_back(at);
      const std::int64_t previous = row_snapshot_head(row_snapshot_path(folder, options_.name, at)).previous;
      if (previous == at) break;
      at = previous;
    }
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string file = entry.path().filename().string();
    const auto number = row_snapshot_number(file, options_.name);
    const bool unneeded = number && std::find(needed.begin(), needed.end(), *number) == needed.end();
    if (unneeded || is_unfinished_row_snapshot(file, options_.name)) std::filesystem::remove(entry.path());
  }
}

}  // namespace nestor::train
