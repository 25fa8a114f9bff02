#include "packed_text.h"

#include <bzlib.h>
#include <gtest/gtest.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "base/utf8.h"
#include "support/paths.h"

namespace nestor::testing {

const corpus::CorpusTokenizer& small_tokenizer() {
  static const corpus::CorpusTokenizer tokenizer =
      corpus::open_corpus_tokenizer(test_data_folder() / "tokenizer" / "longcat");
  return tokenizer;
}

std::vector<std::string> texts_of(const std::filesystem::path& folder, corpus::Split split) {
  const corpus::Shards shards(folder, split);
  std::vector<std::string> texts;
  std::int64_t bytes = 0;
  for (std::int64_t d = 0; d < shards.documents(); ++d) {
    const std::int64_t first = shards.document_start(d);
    std::vector<TokenId> ids(static_cast<std::size_t>(shards.document_start(d + 1) - first));
    shards.read(first, ids);
    EXPECT_EQ(ids.back(), shards.eos());
    ids.pop_back();
    texts.push_back(small_tokenizer().tokenizer.decode(ids, tokenizer::ControlText::keep));
    bytes += std::ssize(texts.back());
  }
  EXPECT_EQ(bytes, shards.text_bytes());
  return texts;
}

std::string packed_xz(std::string_view bytes) {
  std::string out(lzma_stream_buffer_bound(bytes.size()), '\0');
  std::size_t size = 0;
  const lzma_ret result = lzma_easy_buffer_encode(
      1, LZMA_CHECK_CRC32, nullptr, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(),
      reinterpret_cast<std::uint8_t*>(out.data()), &size, out.size());
  EXPECT_EQ(result, LZMA_OK);
  out.resize(size);
  return out;
}

std::string packed_gz(std::string_view bytes) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 16 + 15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string in(bytes), out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string packed_zst(std::string_view bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  out.resize(ZSTD_compress2(context, out.data(), out.size(), bytes.data(), bytes.size()));
  ZSTD_freeCCtx(context);
  return out;
}

std::string packed_bz2(std::string_view bytes) {
  std::string in(bytes), out(bytes.size() + bytes.size() / 50 + 600, '\0');
  auto size = static_cast<unsigned>(out.size());
  EXPECT_EQ(BZ2_bzBuffToBuffCompress(out.data(), &size, in.data(), static_cast<unsigned>(in.size()), 1, 0, 0),
            BZ_OK);
  out.resize(size);
  return out;
}

std::string wide(std::string_view text, const corpus::WideEncoding& encoding) {
  std::string out;
  const auto put = [&](std::uint32_t unit) {
    for (std::size_t i = 0; i < encoding.unit_bytes; ++i) {
      const std::size_t place = encoding.big_endian ? encoding.unit_bytes - 1 - i : i;
      out += static_cast<char>(unit >> (8 * place));
    }
  };
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char c = decode_utf8(text, at);
    at += c.length;
    if (encoding.unit_bytes == 2 && c.code_point > 0xFFFF) {
      put(0xD800 + ((c.code_point - 0x10000) >> 10));
      put(0xDC00 + ((c.code_point - 0x10000) & 0x3FF));
    } else {
      put(c.code_point);
    }
  }
  return out;
}

}  // namespace nestor::testing
