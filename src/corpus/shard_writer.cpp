#include "corpus/shard_writer.h"

#include <optional>
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/file.h"

namespace nestor::corpus {
namespace {

constexpr std::size_t kWriteBytes = std::size_t{1} << 20;

static_assert(kWriteBytes % kBlockBytes == 0);

// A file written through a buffer.
class Stream {
 public:
  explicit Stream(const std::filesystem::path& path) : file_(path) {}

  // Of every block that was flushed.
  const std::vector<std::uint32_t>& sums() const { return sums_; }

  // The `bytes` low bytes of a number, little-endian.
  void put(std::uint64_t value, std::int64_t bytes) {
    for (std::int64_t i = 0; i < bytes; ++i) buffer_.push_back(static_cast<char>(value >> (8 * i)));
    if (buffer_.size() >= kWriteBytes) flush();
  }

  void commit() {
    flush();
    file_.commit();
  }

 private:
  void flush() {
    for (std::size_t at = 0; at < buffer_.size(); at += kBlockBytes) {
      sums_.push_back(crc32c(std::string_view(buffer_).substr(at, kBlockBytes)));
    }
    file_.write(buffer_);
    buffer_.clear();
  }

  OutputFile file_;
  std::string buffer_;
  std::vector<std::uint32_t> sums_;
};

}  // namespace

struct ShardWriter::Impl {
  std::filesystem::path folder;
  Split split;
  std::int64_t id_bytes;
  std::int64_t tokens_per_file;
  SplitSummary summary;
  std::int64_t files = 0;
  std::optional<Stream> ids;
  Stream starts;
  std::vector<std::uint32_t> sums;  // of the files that are complete

  Impl(std::filesystem::path where, Split which, std::int64_t bytes, std::int64_t per_file)
      : folder(std::move(where)),
        split(which),
        id_bytes(bytes),
        tokens_per_file(per_file),
        starts(folder / documents_file_name(which)) {}

  void complete() {
    if (!ids) return;
    ids->commit();
    sums.insert(sums.end(), ids->sums().begin(), ids->sums().end());
    ids.reset();
  }

  void put(TokenId id) {
    if (id < 0 || (id_bytes == 2 && id > 0xFFFF)) {
      fail(ErrorKind::internal, "token id {} does not fit {} bytes", id, id_bytes);
    }
    if (summary.tokens % tokens_per_file == 0) {
      complete();
      if (files == kMaxFilesPerSplit) {
        fail(ErrorKind::limit, "the corpus needs more than {} files of {} tokens", kMaxFilesPerSplit,
             tokens_per_file);
      }
      ids.emplace(folder / ids_file_name(split, files++));
    }
    ids->put(static_cast<std::uint64_t>(id), id_bytes);
    ++summary.tokens;
  }
};

ShardWriter::ShardWriter(std::filesystem::path folder, Split split, std::int64_t id_bytes,
                         std::int64_t tokens_per_file)
    : impl_(std::make_unique<Impl>(std::move(folder), split, id_bytes, tokens_per_file)) {}

ShardWriter::~ShardWriter() = default;

void ShardWriter::add(std::span<const TokenId> ids, std::int64_t text_bytes) {
  if (ids.empty()) fail(ErrorKind::internal, "a document without tokens, not even EOS");
  impl_->starts.put(static_cast<std::uint64_t>(impl_->summary.tokens), 8);
  for (const TokenId id : ids) impl_->put(id);
  ++impl_->summary.documents;
  impl_->summary.text_bytes += text_bytes;
}

SplitSummary ShardWriter::finish() {
  impl_->complete();
  impl_->starts.commit();
  std::vector<std::uint32_t>& sums = impl_->sums;
  sums.insert(sums.end(), impl_->starts.sums().begin(), impl_->starts.sums().end());
  const std::string_view bytes(reinterpret_cast<const char*>(sums.data()), sums.size() * sizeof sums[0]);
  write_file(impl_->folder / sums_file_name(impl_->split), bytes);
  impl_->summary.checksum = crc32c(bytes);
  return impl_->summary;
}

}  // namespace nestor::corpus
