#include "corpus/shards.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <optional>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/file.h"

namespace nestor::corpus {
namespace {

static_assert(std::endian::native == std::endian::little, "the files are little-endian and read in place");

constexpr std::int64_t kStartBytes = 8;

MappedFile map_exactly(const std::filesystem::path& path, std::int64_t bytes) {
  const InputFile file(path);
  if (file.size() != static_cast<std::uint64_t>(bytes)) {
    fail(ErrorKind::bad_input, "{}: {} bytes, but corpus.json says {}; pack the corpus again", path.string(),
         file.size(), bytes);
  }
  return MappedFile(file);
}

template <typename Stored>
Stored stored_at(std::span<const std::byte> bytes, std::size_t index) {
  Stored value;
  std::memcpy(&value, bytes.data() + index * sizeof(Stored), sizeof(Stored));
  return value;
}

std::int64_t blocks_of(std::int64_t bytes) { return (bytes + kBlockBytes - 1) / kBlockBytes; }

// The checksums of a split's blocks, and which of them were found right.
class Blocks {
 public:
  Blocks(const std::filesystem::path& path, std::int64_t count, std::uint32_t checksum)
      : sums_(map_exactly(path, count * kSumBytes)), right_(static_cast<std::size_t>(count)) {
    if (crc32c(sums_.bytes()) == checksum) return;
    fail(ErrorKind::bad_input, "{}: damaged, its checksum is wrong; {}", path.string(), kPackAgain);
  }

  // Where in `file`, whose first block has the number `first`, a block is damaged that holds some of the
  // bytes [begin, end).
  std::optional<std::size_t> damage(std::span<const std::byte> file, std::size_t first, std::size_t begin,
                                    std::size_t end) const {
    for (std::size_t at = begin / kBlock * kBlock; at < end; at += kBlock) {
      const std::size_t number = first + at / kBlock;
      if (right_[number].load(std::memory_order_relaxed)) continue;
      const auto bytes = file.subspan(at, std::min(kBlock, file.size() - at));
      if (crc32c(bytes) != stored_at<std::uint32_t>(sums_.bytes(), number)) return at;
      right_[number].store(true, std::memory_order_relaxed);
    }
    return std::nullopt;
  }

 private:
  static constexpr std::int64_t kSumBytes = 4;
  static constexpr auto kBlock = static_cast<std::size_t>(kBlockBytes);

  MappedFile sums_;
  mutable std::vector<std::atomic<bool>> right_;
};

}  // namespace

struct Shards::Impl {
  std::filesystem::path folder;
  Split split;
  Manifest manifest;
  SplitSummary summary;
  std::vector<MappedFile> files;
  MappedFile starts;
  std::optional<Blocks> blocks;

  Impl(const std::filesystem::path& from, Split which, Manifest what)
      : folder(from),
        split(which),
        manifest(std::move(what)),
        summary(which == Split::train ? manifest.train : manifest.heldout),
        starts(map_exactly(from / documents_file_name(which), summary.documents * kStartBytes)) {
    std::int64_t id_blocks = 0;
    for (std::int64_t first = 0; first < summary.tokens; first += manifest.tokens_per_file) {
      const std::int64_t here = std::min(manifest.tokens_per_file, summary.tokens - first);
      files.push_back(map_exactly(from / ids_file_name(which, static_cast<std::int64_t>(files.size())),
                                  here * manifest.id_bytes));
      id_blocks += blocks_of(here * manifest.id_bytes);
    }
    const std::int64_t start_bytes = summary.documents * kStartBytes;
    if (summary.checksum) {
      blocks.emplace(from / sums_file_name(which), id_blocks + blocks_of(start_bytes), *summary.checksum);
      check_blocks(starts.bytes(), id_blocks, 0, starts.bytes().size(), documents_file_name(which));
    }
    check_starts();
  }

  std::string ids_file(std::size_t number) const {
    return ids_file_name(split, static_cast<std::int64_t>(number));
  }

  void check_blocks(std::span<const std::byte> bytes, std::int64_t first, std::size_t begin, std::size_t end,
                    const std::string& name) const {
    if (!blocks) return;
    if (const auto at = blocks->damage(bytes, static_cast<std::size_t>(first), begin, end)) {
      fail(ErrorKind::bad_input, "{}: damaged between bytes {} and {}, their checksum is wrong; {}",
           (folder / name).string(), *at, *at + static_cast<std::size_t>(kBlockBytes), kPackAgain);
    }
  }

  std::int64_t start(std::int64_t document) const {
    if (document == summary.documents) return summary.tokens;
    return stored_at<std::int64_t>(starts.bytes(), static_cast<std::size_t>(document));
  }

  void check_starts() const {
    std::int64_t before = -1;
    for (std::int64_t d = 0; d < summary.documents; ++d) {
      const std::int64_t here = start(d);
      if ((d == 0 && here != 0) || here <= before || here >= summary.tokens) {
        fail(ErrorKind::bad_input,
             "{}: document {} starts at token {}, expected {} and less than {}; pack the corpus again",
             (folder / documents_file_name(split)).string(), d, here,
             d == 0 ? "0" : fmt::format("more than {}", before), summary.tokens);
      }
      before = here;
    }
  }

  // Reads `out` from one file, beginning with its id number `index`.
  template <typename Stored>
  void copy(std::size_t file, std::size_t index, std::span<TokenId> out) const {
    const std::span<const std::byte> bytes = files[file].bytes();
    const std::int64_t first =
        static_cast<std::int64_t>(file) * blocks_of(manifest.tokens_per_file * manifest.id_bytes);
    check_blocks(bytes, first, index * sizeof(Stored), (index + out.size()) * sizeof(Stored), ids_file(file));
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::uint64_t id = stored_at<Stored>(bytes, index + i);
      if (id >= static_cast<std::uint64_t>(manifest.vocab_size)) {
        fail(ErrorKind::bad_input,
             "{}: id {} at place {}, but the vocabulary has {} ids; pack the corpus again",
             (folder / ids_file(file)).string(), id, index + i, manifest.vocab_size);
      }
      out[i] = static_cast<TokenId>(id);
    }
  }
};

const char* name_of(Split split) { return split == Split::train ? "train" : "heldout"; }

std::string ids_file_name(Split split, std::int64_t number) {
  return fmt::format("{}-{:05}.ids", name_of(split), number);
}

std::string documents_file_name(Split split) { return fmt::format("{}.docs", name_of(split)); }

std::string sums_file_name(Split split) { return fmt::format("{}.sums", name_of(split)); }

bool is_corpus(const std::filesystem::path& folder) {
  std::error_code error;
  return std::filesystem::is_regular_file(folder / kManifestName, error);
}

Shards::Shards(const std::filesystem::path& folder, Split split) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    fail(ErrorKind::not_found, "{}: expected a folder with a packed corpus; nestor data writes one",
         folder.string());
  }
  if (!is_corpus(folder)) {
    fail(ErrorKind::bad_input, "{}: a folder without corpus.json is no packed corpus; nestor data writes one",
         folder.string());
  }
  const std::filesystem::path path = folder / kManifestName;
  Manifest manifest = parse_manifest(read_file(path, kMaxManifestBytes), path.string());
  impl_ = std::make_unique<const Impl>(folder, split, std::move(manifest));
}

Shards::~Shards() = default;
Shards::Shards(Shards&&) noexcept = default;

std::int64_t Shards::tokens() const { return impl_->summary.tokens; }
std::int64_t Shards::documents() const { return impl_->summary.documents; }
std::int64_t Shards::text_bytes() const { return impl_->summary.text_bytes; }
std::int64_t Shards::vocab_size() const { return impl_->manifest.vocab_size; }
TokenId Shards::eos() const { return impl_->manifest.eos; }
const Manifest& Shards::manifest() const { return impl_->manifest; }
const std::filesystem::path& Shards::folder() const { return impl_->folder; }
Split Shards::split() const { return impl_->split; }

void Shards::read(std::int64_t first, std::span<TokenId> out) const {
  if (first < 0 || first > tokens() || static_cast<std::int64_t>(out.size()) > tokens() - first) {
    fail(ErrorKind::usage, "tokens {} to {} asked of a split of {}", first,
         first + static_cast<std::int64_t>(out.size()), tokens());
  }
  const std::int64_t per_file = impl_->manifest.tokens_per_file;
  while (!out.empty()) {
    const auto file = static_cast<std::size_t>(first / per_file);
    const std::int64_t index = first % per_file;
    const auto here = static_cast<std::size_t>(std::min<std::int64_t>(per_file - index, std::ssize(out)));
    if (impl_->manifest.id_bytes == 2) {
      impl_->copy<std::uint16_t>(file, static_cast<std::size_t>(index), out.first(here));
    } else {
      impl_->copy<std::uint32_t>(file, static_cast<std::size_t>(index), out.first(here));
    }
    out = out.subspan(here);
    first += static_cast<std::int64_t>(here);
  }
}

std::int64_t Shards::document_start(std::int64_t document) const {
  if (document < 0 || document > documents()) {
    fail(ErrorKind::usage, "document {} asked of a split of {}", document, documents());
  }
  return impl_->start(document);
}

}  // namespace nestor::corpus
