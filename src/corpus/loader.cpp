#include "corpus/loader.h"

#include <algorithm>
#include <mutex>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "corpus/row_fill.h"

namespace nestor::corpus {
namespace {

constexpr std::int64_t kMaxBatchTokens = std::int64_t{1} << 28;

// What is shuffled, as part of the random numbers' counter.
enum class Shuffle : std::uint64_t { documents, windows };

void check_size(std::int64_t window, std::int64_t rows) {
  if (window < 1 || rows < 1 || window > kMaxBatchTokens / rows) {
    fail(ErrorKind::usage,
         "a batch of {} rows of {} tokens: expected at least one each and at most {} tokens in all", rows,
         window, kMaxBatchTokens);
  }
}

// Fisher and Yates, with the high half of (64 random bits x bound): the bias is below bound / 2^64.
std::vector<std::int64_t> permutation(std::int64_t size, std::uint64_t seed, std::int64_t epoch,
                                      Shuffle what) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(size));
  std::iota(order.begin(), order.end(), 0);
  const std::uint64_t high = 2 * static_cast<std::uint64_t>(epoch) + static_cast<std::uint64_t>(what);
  for (std::size_t i = order.size(); i > 1; --i) {
    const auto bits = philox(seed, i, high);
    const std::uint64_t random = bits[0] | static_cast<std::uint64_t>(bits[1]) << 32;
    __extension__ using Wide = unsigned __int128;
    std::swap(order[i - 1], order[static_cast<std::size_t>((Wide{random} * i) >> 64)]);
  }
  return order;
}

// The order of one epoch: its stream of documents, and which window comes when.
struct Epoch {
  std::int64_t number = 0;
  std::vector<std::int64_t> documents;  // in the order of the stream
  std::vector<std::int64_t> begins;     // first place of each of them in the stream
  std::vector<std::int64_t> windows;
};

std::shared_ptr<const Epoch> make_epoch(const Shards& shards, std::int64_t number, std::int64_t windows,
                                        std::uint64_t seed) {
  auto epoch = std::make_shared<Epoch>();
  epoch->number = number;
  epoch->documents = permutation(shards.documents(), seed, number, Shuffle::documents);
  epoch->begins.reserve(epoch->documents.size());
  std::int64_t begin = 0;
  for (const std::int64_t document : epoch->documents) {
    epoch->begins.push_back(begin);
    begin += shards.document_start(document + 1) - shards.document_start(document);
  }
  epoch->windows = permutation(windows, seed, number, Shuffle::windows);
  return epoch;
}

// One window of an epoch's stream.
void fill(RowFill& row, const Shards& shards, const Epoch& epoch, std::int64_t first) {
  auto index = static_cast<std::size_t>(std::upper_bound(epoch.begins.begin(), epoch.begins.end(), first) -
                                        epoch.begins.begin() - 1);
  std::int64_t skipped = first - epoch.begins[index];  // of the first document, in windows before
  for (; row.room() > 0 && index < epoch.documents.size(); ++index, skipped = 0) {
    const std::int64_t begin = shards.document_start(epoch.documents[index]) + skipped;
    const std::int64_t end = shards.document_start(epoch.documents[index] + 1);
    row.append(shards, begin, std::min(row.room(), end - begin), end);
  }
  // Beyond the end of the epoch: its beginning once more, as often as needed.
  for (index = 0; row.room() > 0; index = (index + 1) % epoch.documents.size()) {
    const std::int64_t begin = shards.document_start(epoch.documents[index]);
    const std::int64_t end = shards.document_start(epoch.documents[index] + 1);
    row.append_unscored(shards, begin, std::min(row.room(), end - begin));
  }
}

}  // namespace

struct Loader::Impl {
  Impl(const Shards& from, const LoaderOptions& how, std::int64_t count)
      : shards(from), options(how), windows(count) {}

  const Shards& shards;
  LoaderOptions options;
  std::int64_t windows;
  std::mutex mutex;
  std::shared_ptr<const Epoch> recent[2];  // guarded by mutex; a batch may need two epochs

  std::shared_ptr<const Epoch> epoch(std::int64_t number) {
    const std::lock_guard lock(mutex);
    auto& slot = recent[number % 2];
    if (!slot || slot->number != number) slot = make_epoch(shards, number, windows, options.seed);
    return slot;
  }
};

Loader::Loader(const Shards& shards, const LoaderOptions& options) {
  check_size(options.window, options.rows);
  if (shards.tokens() == 0) {
    fail(ErrorKind::bad_input, "{}: the split {} is empty, nothing can be read from it",
         shards.folder().string(), name_of(shards.split()));
  }
  const std::int64_t windows = (shards.tokens() - 1) / options.window + 1;
  impl_ = std::make_unique<Impl>(shards, options, windows);
}

Loader::~Loader() = default;

std::int64_t Loader::windows_per_epoch() const { return impl_->windows; }

std::int64_t Loader::batches_per_epoch() const { return (impl_->windows - 1) / impl_->options.rows + 1; }

Batch Loader::batch(std::int64_t number) const {
  const LoaderOptions& o = impl_->options;
  if (number < 0 || number > (std::int64_t{1} << 62) / o.rows) {
    fail(ErrorKind::usage, "batch {} asked for: expected a number from 0 to {}", number,
         (std::int64_t{1} << 62) / o.rows);
  }
  Batch batch = RowFill::prepare(o.rows, o.window);
  for (std::int64_t r = 0; r < o.rows; ++r) {
    const std::int64_t place = number * o.rows + r;
    const auto epoch = impl_->epoch(place / impl_->windows);
    const std::int64_t window = epoch->windows[static_cast<std::size_t>(place % impl_->windows)];
    RowFill row(batch, r);
    fill(row, impl_->shards, *epoch, window * o.window);
  }
  return batch;
}

}  // namespace nestor::corpus
