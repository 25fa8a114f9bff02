#include "corpus/megatron.h"

#include <algorithm>
#include <limits>
#include <string>

#include "base/error.h"
#include "base/file.h"

namespace nestor::corpus {
namespace {

namespace fs = std::filesystem;
using namespace std::string_view_literals;

constexpr std::string_view kMagic = "MMIDIDX\0\0"sv;
constexpr std::uint64_t kVersion = 1;
constexpr std::uint64_t kMostIndexBytes = std::uint64_t{16} << 30;
constexpr std::uint64_t kMostDocument = std::uint64_t{1} << 31;  // ids, which are held in memory

struct IdType {
  std::uint8_t code;
  std::int64_t bytes;
  bool is_signed;
};
constexpr IdType kTypes[] = {{1, 1, false}, {2, 1, true}, {3, 2, true},
                             {4, 4, true},  {5, 8, true}, {8, 2, false}};
constexpr std::uint8_t kUint16 = 8, kInt32 = 4;

std::uint64_t number_at(const char* at, std::int64_t bytes) {
  std::uint64_t value = 0;
  for (std::int64_t i = bytes; i-- > 0;) value = value << 8 | static_cast<unsigned char>(at[i]);
  return value;
}

void append_number(std::string& out, std::uint64_t value, std::int64_t bytes) {
  for (std::int64_t i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
}

// Numbers of a file, one list after the other.
class Cursor {
 public:
  Cursor(std::string_view bytes, std::string_view what) : bytes_(bytes), what_(what) {}

  std::uint64_t number(std::int64_t bytes) {
    if (bytes_.size() < static_cast<std::size_t>(bytes)) fail_short();
    const std::uint64_t value = number_at(bytes_.data(), bytes);
    bytes_.remove_prefix(static_cast<std::size_t>(bytes));
    return value;
  }
  std::vector<std::uint64_t> numbers(std::uint64_t count, std::int64_t bytes) {
    if (count > bytes_.size() / static_cast<std::size_t>(bytes)) fail_short();
    std::vector<std::uint64_t> values(static_cast<std::size_t>(count));
    for (std::uint64_t& value : values) value = number(bytes);
    return values;
  }

 private:
  [[noreturn]] void fail_short() const {
    fail(ErrorKind::bad_input, "{}: the index ends too early; is it copied whole?", what_);
  }

  std::string_view bytes_;
  std::string_view what_;
};

void check(const MegatronIndex& index, std::uint64_t bin_bytes, std::string_view what) {
  const auto size = static_cast<std::uint64_t>(index.id_bytes);
  for (std::size_t i = 0; i < index.lengths.size(); ++i) {
    const bool fits = index.lengths[i] < kMostDocument && index.begins[i] % size == 0 &&
                      index.begins[i] <= bin_bytes && index.lengths[i] * size <= bin_bytes - index.begins[i];
    if (!fits) {
      fail(ErrorKind::bad_input,
           "{}: sequence {} has {} ids from byte {} on, but the .bin has {} bytes; do the two files belong "
           "together?",
           what, i, index.lengths[i], index.begins[i], bin_bytes);
    }
  }
  const auto& documents = index.documents;
  if (documents.empty() || documents.front() != 0 || documents.back() != index.lengths.size() ||
      !std::is_sorted(documents.begin(), documents.end())) {
    fail(ErrorKind::bad_input, "{}: the documents do not divide the {} sequences", what,
         index.lengths.size());
  }
}

}  // namespace

MegatronIndex parse_megatron_index(std::string_view bytes, std::uint64_t bin_bytes, std::string_view what) {
  if (!bytes.starts_with(kMagic)) {
    fail(ErrorKind::unsupported, "{}: expected an index of Megatron-LM, which begins with MMIDIDX", what);
  }
  Cursor cursor(bytes.substr(kMagic.size()), what);
  if (const std::uint64_t version = cursor.number(8); version != kVersion) {
    fail(ErrorKind::unsupported, "{}: version {}; only version 1 is known", what, version);
  }
  const auto code = static_cast<std::uint8_t>(cursor.number(1));
  const auto* type =
      std::find_if(std::begin(kTypes), std::end(kTypes), [&](const IdType& t) { return t.code == code; });
  if (type == std::end(kTypes)) {
    fail(ErrorKind::unsupported, "{}: ids of type {} are no whole numbers", what, code);
  }
  MegatronIndex index;
  index.id_bytes = type->bytes;
  index.is_signed = type->is_signed;
  const std::uint64_t sequences = cursor.number(8), documents = cursor.number(8);
  index.lengths = cursor.numbers(sequences, 4);
  index.begins = cursor.numbers(sequences, 8);
  index.documents = cursor.numbers(documents, 8);
  check(index, bin_bytes, what);
  return index;
}

std::optional<fs::path> megatron_index(const fs::path& named) {
  fs::path index = named, ids = named;
  if (const fs::path extension = named.extension(); extension == ".idx" || extension == ".bin") {
    index.replace_extension(".idx");
    ids.replace_extension(".bin");
  } else {
    index += ".idx";
    ids += ".bin";
  }
  std::error_code error;
  if (fs::is_regular_file(index, error) && fs::is_regular_file(ids, error)) return index;
  if (named.extension() == ".idx")
    fail(ErrorKind::not_found, "{}: no {} beside it", named.string(), ids.string());
  return std::nullopt;
}

fs::path megatron_ids(const fs::path& index) { return fs::path(index).replace_extension(".bin"); }

struct MegatronReader::Impl {
  InputFile file;
  std::string what;
  MegatronIndex index;
  std::size_t document = 0;
  std::uint64_t consumed = 0;

  explicit Impl(const fs::path& path)
      : file(megatron_ids(path)),
        what(file.path().string()),
        index(parse_megatron_index(read_file(path, kMostIndexBytes), file.size(), path.string())) {}

  void read_sequence(std::size_t sequence, std::vector<TokenId>& ids, std::int64_t vocab_size) {
    const auto size = static_cast<std::size_t>(index.id_bytes);
    std::string bytes(static_cast<std::size_t>(index.lengths[sequence]) * size, '\0');
    file.read_at(index.begins[sequence], std::as_writable_bytes(std::span(bytes)));
    consumed += bytes.size();
    for (std::size_t at = 0; at < bytes.size(); at += size) {
      const std::uint64_t id = number_at(bytes.data() + at, index.id_bytes);
      const bool negative = index.is_signed && (id >> (8 * size - 1)) != 0;
      if (negative || id >= static_cast<std::uint64_t>(vocab_size)) {
        fail(ErrorKind::bad_input,
             "{}: an id of {} in document {} is outside the vocabulary of {}; is it of another tokenizer?",
             what, negative ? "less than 0" : std::to_string(id), document, vocab_size);
      }
      ids.push_back(static_cast<TokenId>(id));
    }
  }
};

MegatronReader::MegatronReader(const fs::path& index) : impl_(std::make_unique<Impl>(index)) {}
MegatronReader::~MegatronReader() = default;

bool MegatronReader::next(std::vector<TokenId>& ids, std::int64_t vocab_size) {
  const auto& documents = impl_->index.documents;
  if (impl_->document + 1 >= documents.size()) return false;
  ids.clear();
  for (std::uint64_t s = documents[impl_->document]; s < documents[impl_->document + 1]; ++s) {
    impl_->read_sequence(static_cast<std::size_t>(s), ids, vocab_size);
  }
  ++impl_->document;
  return true;
}

std::uint64_t MegatronReader::consumed() const { return impl_->consumed; }

struct MegatronWriter::Impl {
  std::int64_t id_bytes;
  fs::path index_path;
  OutputFile ids;
  std::string lengths, begins, documents = std::string(8, '\0');
  SplitSummary summary;

  Impl(const fs::path& folder, Split split, std::int64_t bytes)
      : id_bytes(bytes),
        index_path(folder / (std::string(name_of(split)) + ".idx")),
        ids(folder / (std::string(name_of(split)) + ".bin")) {}
};

MegatronWriter::MegatronWriter(const fs::path& folder, Split split, std::int64_t id_bytes)
    : impl_(std::make_unique<Impl>(folder, split, id_bytes)) {}
MegatronWriter::~MegatronWriter() = default;

void MegatronWriter::add(std::span<const TokenId> ids, std::int64_t text_bytes) {
  if (ids.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    fail(ErrorKind::limit, "a document of {} tokens is too long for this format", ids.size());
  }
  std::string bytes;
  for (const TokenId id : ids) append_number(bytes, static_cast<std::uint64_t>(id), impl_->id_bytes);
  append_number(impl_->begins, static_cast<std::uint64_t>(impl_->summary.tokens * impl_->id_bytes), 8);
  append_number(impl_->lengths, ids.size(), 4);
  impl_->ids.write(bytes);
  ++impl_->summary.documents;
  append_number(impl_->documents, static_cast<std::uint64_t>(impl_->summary.documents), 8);
  impl_->summary.tokens += std::ssize(ids);
  impl_->summary.text_bytes += text_bytes;
}

SplitSummary MegatronWriter::finish() {
  const auto sequences = static_cast<std::uint64_t>(impl_->summary.documents);
  std::string head(kMagic);
  append_number(head, kVersion, 8);
  append_number(head, impl_->id_bytes == 2 ? kUint16 : kInt32, 1);
  append_number(head, sequences, 8);
  append_number(head, sequences + 1, 8);
  impl_->ids.commit();
  OutputFile index(impl_->index_path);
  for (const std::string& part : {head, impl_->lengths, impl_->begins, impl_->documents}) index.write(part);
  index.commit();
  return impl_->summary;
}

}  // namespace nestor::corpus
