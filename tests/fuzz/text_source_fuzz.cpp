// Any bytes as the beginning of a source of text and as the index of Megatron's shards: refused with
// bad_input, unsupported or limit, or text that is well-formed where it was wide, and documents that lie
// inside their file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/file_kind.h"
#include "base/utf8.h"
#include "corpus/megatron.h"
#include "corpus/text_encoding.h"
#include "corpus/unpacking.h"

namespace {

using namespace nestor::corpus;

class Memory : public ByteStream {
 public:
  explicit Memory(std::string_view bytes) : bytes_(bytes) {}
  std::size_t read(std::span<char> out) override {
    const std::size_t n = std::min<std::size_t>({out.size(), bytes_.size(), 61});
    bytes_.copy(out.data(), n);
    bytes_.remove_prefix(n);
    return n;
  }

 private:
  std::string_view bytes_;
};

void read_text(std::string_view bytes) {
  constexpr std::size_t kMost = std::size_t{8} << 20;  // packed bytes can be very many
  Memory memory(bytes);
  PeekedStream file(memory);
  const auto unpacked = unpacking(file.peek(kPackedHead), file, "fuzz");
  PeekedStream text(unpacked ? *unpacked : static_cast<ByteStream&>(file));
  const std::string_view head = text.peek(kEncodingHead);
  (void)nestor::file_kind(head);
  const auto encoding = wide_encoding(head);
  std::unique_ptr<ByteStream> decoded;
  if (encoding) decoded = std::make_unique<Utf8Stream>(text, *encoding, "fuzz");
  ByteStream& source = decoded ? *decoded : static_cast<ByteStream&>(text);
  std::string out, piece(4096, '\0');
  while (out.size() < kMost) {
    const std::size_t n = source.read(piece);
    if (n == 0) break;
    out.append(piece, 0, n);
  }
  if (encoding && out.size() < kMost && !nestor::is_valid_utf8(out)) std::abort();
}

void read_index(std::string_view bytes, std::uint64_t bin_bytes) {
  const MegatronIndex index = parse_megatron_index(bytes, bin_bytes, "fuzz");
  const auto size = static_cast<std::uint64_t>(index.id_bytes);
  for (std::size_t i = 0; i < index.lengths.size(); ++i) {
    if (index.begins[i] > bin_bytes || index.lengths[i] > (bin_bytes - index.begins[i]) / size) std::abort();
  }
  for (std::size_t d = 1; d < index.documents.size(); ++d) {
    if (index.documents[d] < index.documents[d - 1] || index.documents[d] > index.lengths.size())
      std::abort();
  }
}

template <typename Call>
void expect_allowed(const Call& call) {
  try {
    call();
  } catch (const nestor::Error& error) {
    using Kind = nestor::ErrorKind;
    if (error.kind() != Kind::bad_input && error.kind() != Kind::unsupported && error.kind() != Kind::limit) {
      std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  expect_allowed([&] { read_text(bytes); });
  expect_allowed([&] { read_index(bytes, 1000); });
  return 0;
}
