#include "train/tables/row_snapshot.h"

#include <array>
#include <bit>
#include <charconv>
#include <cstring>

#include "base/error.h"
#include "train/tables/row_format.h"

namespace nestor::train {
namespace {

// Files are written in the machine's order, which is the documented one.
static_assert(std::endian::native == std::endian::little);

constexpr std::array<char, 8> kMagic = {'N', 'S', 'T', 'R', 'R', 'O', 'W', '1'};

struct StoredHead {
  std::array<char, 8> magic = kMagic;
  RowSnapshotHead head;
};
static_assert(sizeof(StoredHead) == 72 && std::has_unique_object_representations_v<RowShape>);

// Four independent chains of multiply and rotate over words of 8 bytes (as in xxHash, Y. Collet): finds every
// single damaged word, and others but with probability 2^-64.
class Checksum {
 public:
  void add(std::span<const std::byte> bytes) {
    for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + at, 8);
      std::uint64_t& lane = lanes_[words_++ % lanes_.size()];
      lane = std::rotl(lane ^ word, 29) * 0x9E3779B185EBCA87U;
    }
  }
  std::uint64_t value() const {
    std::uint64_t h = words_;
    for (const std::uint64_t lane : lanes_) h = std::rotl(h ^ lane, 31) * 0xC2B2AE3D27D4EB4FU;
    return h ^ (h >> 32);
  }

 private:
  std::array<std::uint64_t, 4> lanes_{1, 2, 3, 4};
  std::uint64_t words_ = 0;
};

// Collects small pieces (all multiples of 8 bytes) for the file and the checksum.
class Writer {
 public:
  explicit Writer(OutputFile& file) : file_(file) { buffer_.reserve(kBuffer); }
  void add(std::span<const std::byte> bytes) {
    if (buffer_.size() + bytes.size() > kBuffer) flush();
    if (bytes.size() > kBuffer) {
      checksum_.add(bytes);
      file_.write(bytes);
    } else {
      buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    }
  }
  void finish() {
    flush();
    const std::uint64_t sum = checksum_.value();
    file_.write(std::as_bytes(std::span(&sum, 1)));
    file_.commit();
  }

 private:
  static constexpr std::size_t kBuffer = 1 << 20;
  void flush() {
    checksum_.add(buffer_);
    file_.write(buffer_);
    buffer_.clear();
  }

  OutputFile& file_;
  std::vector<std::byte> buffer_;
  Checksum checksum_;
};

[[noreturn]] void damaged(const std::filesystem::path& path, std::string_view what) {
  fail(ErrorKind::bad_input, "{}: {}", path.string(), what);
}

RowSnapshotHead parsed_head(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  StoredHead stored;
  if (bytes.size() < sizeof stored) damaged(path, "not a snapshot of a table, or cut off");
  std::memcpy(&stored, bytes.data(), sizeof stored);
  if (stored.magic != kMagic) damaged(path, "not a snapshot of a table: wrong magic number");
  const RowSnapshotHead& head = stored.head;
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  const auto plausible = [](std::int64_t n) { return n >= 0 && n <= kMost; };
  if (!plausible(head.number) || !plausible(head.previous) || !plausible(head.steps) ||
      !plausible(head.count) || !plausible(head.shape.rows) || head.previous > head.number ||
      head.count > head.shape.rows || head.shape.record > (std::uint64_t{1} << 24) ||
      head.shape.record % 8 != 0) {
    damaged(path, "its header contradicts itself");
  }
  return head;
}

}  // namespace

std::filesystem::path row_snapshot_path(const std::filesystem::path& folder, const std::string& name,
                                        std::int64_t number) {
  return folder / fmt::format("{}.{}.rows", name, number);
}

std::optional<std::int64_t> row_snapshot_number(const std::string& file_name, const std::string& name) {
  constexpr std::string_view kEnd = ".rows";
  if (!file_name.starts_with(name + ".") || !file_name.ends_with(kEnd)) return std::nullopt;
  if (file_name.size() <= name.size() + 1 + kEnd.size()) return std::nullopt;
  std::int64_t number = 0;
  const char *begin = file_name.data() + name.size() + 1,
             *end = file_name.data() + file_name.size() - kEnd.size();
  const auto [at, error] = std::from_chars(begin, end, number);
  if (error != std::errc() || at != end || number < 0) return std::nullopt;
  return number;
}

bool is_unfinished_row_snapshot(const std::string& file_name, const std::string& name) {
  constexpr std::string_view kEnd = ".tmp";
  if (!file_name.ends_with(kEnd)) return false;
  const std::size_t dot = file_name.rfind('.', file_name.size() - kEnd.size() - 1);  // before the process id
  return dot != std::string::npos && row_snapshot_number(file_name.substr(0, dot), name).has_value();
}

void write_row_snapshot(const std::filesystem::path& path, const RowSnapshot& snapshot) {
  OutputFile file(path);
  Writer writer(file);
  StoredHead stored;
  stored.head = snapshot.head;
  writer.add(std::as_bytes(std::span(&stored, 1)));
  writer.add(std::as_bytes(snapshot.drift));
  writer.add(std::as_bytes(snapshot.rows));
  for (const std::int64_t row : snapshot.rows) writer.add({snapshot.record(row), snapshot.head.shape.record});
  writer.finish();
}

RowSnapshotHead row_snapshot_head(const std::filesystem::path& path) {
  const InputFile file(path);
  std::array<std::byte, sizeof(StoredHead)> bytes{};
  if (file.size() < bytes.size()) damaged(path, "not a snapshot of a table, or cut off");
  file.read_at(0, bytes);
  return parsed_head(path, bytes);
}

RowSnapshotFile::RowSnapshotFile(const std::filesystem::path& path, const RowShape& shape,
                                 std::int64_t number)
    : file_(path), mapping_(file_) {
  const std::span<const std::byte> bytes = mapping_.bytes();
  head_ = parsed_head(path, bytes);
  if (head_.number != number) {
    damaged(path, fmt::format("expected snapshot {}, found {}: was it renamed?", number, head_.number));
  }
  if (head_.shape != shape) {
    damaged(
        path,
        fmt::format("it is of a table [{}, {}] with {} bytes a row, this run has [{}, {}] with {} or another "
                    "optimizer: was the recipe changed?",
                    head_.shape.rows, head_.shape.width, head_.shape.record, shape.rows, shape.width,
                    shape.record));
  }
  drift_at_ = sizeof(StoredHead);
  rows_at_ = drift_at_ + 8 * (static_cast<std::uint64_t>(head_.steps) + 1);
  records_at_ = rows_at_ + 8 * static_cast<std::uint64_t>(head_.count);
  const std::uint64_t end = records_at_ + head_.shape.record * static_cast<std::uint64_t>(head_.count);
  if (bytes.size() != end + 8) {
    damaged(path, fmt::format("expected {} bytes, found {}", end + 8, bytes.size()));
  }
  Checksum checksum;
  checksum.add(bytes.first(end));
  std::uint64_t stored = 0;
  std::memcpy(&stored, bytes.data() + end, 8);
  if (stored != checksum.value()) damaged(path, "its checksum is wrong");
  std::int64_t before = -1;
  for (const std::int64_t row : rows()) {
    if (row <= before || row >= shape.rows)
      damaged(path, "its row numbers are not ascending, or beyond the table");
    before = row;
  }
  for (std::int64_t i = 0; i < head_.count; ++i) {
    RowState state;
    std::memcpy(&state, record(i).data(), sizeof state);
    if (state.last > head_.steps) damaged(path, "a row of it was touched after the last step");
  }
}

std::span<const std::byte> RowSnapshotFile::part(std::uint64_t begin, std::uint64_t bytes) const {
  return mapping_.bytes().subspan(begin, bytes);
}

// The parts begin at multiples of 8 bytes of a mapping, which begins at a page.
std::span<const double> RowSnapshotFile::drift() const {
  return {reinterpret_cast<const double*>(part(drift_at_, 8).data()),
          static_cast<std::size_t>(head_.steps) + 1};
}

std::span<const std::int64_t> RowSnapshotFile::rows() const {
  return {reinterpret_cast<const std::int64_t*>(part(rows_at_, 0).data()),
          static_cast<std::size_t>(head_.count)};
}

std::span<const std::byte> RowSnapshotFile::record(std::int64_t index) const {
  return part(records_at_ + head_.shape.record * static_cast<std::uint64_t>(index), head_.shape.record);
}

}  // namespace nestor::train
