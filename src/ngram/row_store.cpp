#include "ngram/row_store.h"

#include <fcntl.h>

#include "base/error.h"
#include "quant/matrix.h"

namespace nestor::ngram {

std::int64_t RowStore::row_bytes() const { return width() * quant::element_bytes(format()); }

FileRowStore::FileRowStore(const InputFile& file, std::uint64_t begin, std::int64_t rows, std::int64_t width,
                           quant::Format format)
    : file_(file), begin_(begin), rows_(rows), width_(width), format_(format) {
  // Read-ahead would fetch megabytes for a row of some hundred bytes. Advice: a kernel may ignore it.
  const std::int64_t bytes = rows * row_bytes();
  ::posix_fadvise(file.descriptor(), static_cast<off_t>(begin), static_cast<off_t>(bytes), POSIX_FADV_RANDOM);
}

void FileRowStore::fetch(std::span<const std::int64_t> ids, std::span<std::byte> out) const {
  const auto size = static_cast<std::size_t>(row_bytes());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] >= rows_) fail(ErrorKind::internal, "row {} of a table of {}", ids[i], rows_);
    file_.read_at(begin_ + static_cast<std::uint64_t>(ids[i]) * size, out.subspan(i * size, size));
  }
}

}  // namespace nestor::ngram
