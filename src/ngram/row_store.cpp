#include "ngram/row_store.h"

#include <fcntl.h>

#include "base/error.h"
#include "quant/matrix.h"

namespace nestor::ngram {

std::int64_t RowStore::row_bytes() const {
  const RowFormat row = format();
  if (const auto* record = std::get_if<quant::RecordFormat>(&row)) return record->bytes();
  return width() * quant::element_bytes(std::get<quant::Format>(row));
}

FileRowStore::FileRowStore(const InputFile& file, std::uint64_t begin, std::int64_t rows, std::int64_t width,
                           RowFormat format)
    : file_(file), begin_(begin), rows_(rows), width_(width), format_(format) {
  // Read-ahead would fetch megabytes for a row of some hundred bytes. Advice: a kernel may ignore it.
  const std::uint64_t bytes = offset(rows) - begin;
  ::posix_fadvise(file.descriptor(), static_cast<off_t>(begin), static_cast<off_t>(bytes), POSIX_FADV_RANDOM);
}

std::uint64_t FileRowStore::offset(std::int64_t row) const {
  const auto* record = std::get_if<quant::RecordFormat>(&format_);
  return begin_ + static_cast<std::uint64_t>(record != nullptr ? record->offset(row) : row * row_bytes());
}

std::size_t FileRowStore::begin(std::span<const std::int64_t> ids, std::span<std::byte> out,
                                std::span<std::size_t> waiting) const {
  const auto size = static_cast<std::size_t>(row_bytes());
  std::size_t count = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] >= rows_) fail(ErrorKind::internal, "row {} of a table of {}", ids[i], rows_);
    const InputFile::Source source = file_.read_cached(offset(ids[i]), out.subspan(i * size, size));
    if (source == InputFile::Source::memory) {
      ++reads_.memory;
      continue;
    }
    ++(source == InputFile::Source::disk ? reads_.disk : reads_.unknown);
    file_.will_need(offset(ids[i]), size);
    waiting[count++] = i;
  }
  return count;
}

void FileRowStore::finish(std::span<const std::int64_t> ids, std::span<const std::size_t> waiting,
                          std::span<std::byte> out) const {
  const auto size = static_cast<std::size_t>(row_bytes());
  for (const std::size_t i : waiting) file_.read_at(offset(ids[i]), out.subspan(i * size, size));
}

}  // namespace nestor::ngram
