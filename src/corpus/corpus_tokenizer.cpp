#include "corpus/corpus_tokenizer.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "corpus/text_hash.h"

namespace nestor::corpus {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxConfigBytes = std::uint64_t{16} << 20;
constexpr std::string_view kFamilyEos = "</longcat_s>";

fs::path tokenizer_path(const fs::path& file_or_folder) {
  std::error_code error;
  return fs::is_directory(file_or_folder, error) ? file_or_folder / "tokenizer.json" : file_or_folder;
}

// "eos_token" is a string, or an object whose "content" is one.
std::optional<std::string> eos_of_config(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error)) return std::nullopt;
  const Json config = read_json(path, kMaxConfigBytes);
  if (!config.is_object())
    fail(ErrorKind::bad_input, "{}: expected an object, found {}", path.string(), kind_of(config));
  const auto it = config.find("eos_token");
  if (it == config.end() || it->is_null()) return std::nullopt;
  if (it->is_string()) return it->get<std::string>();
  if (it->is_object() && it->contains("content") && it->at("content").is_string()) {
    return it->at("content").get<std::string>();
  }
  fail(ErrorKind::bad_input, "{}: \"eos_token\" must be a string, found {}; --eos names another token",
       path.string(), kind_of(*it));
}

TokenId find_eos(const tokenizer::Tokenizer& tokenizer, const std::optional<std::string>& eos,
                 const fs::path& path) {
  const fs::path config = path.parent_path() / "tokenizer_config.json";
  const std::optional<std::string> named = eos ? eos : eos_of_config(config);
  if (named) {
    if (const auto id = tokenizer.id_of(*named)) return *id;
    fail(ErrorKind::bad_input, "{}: no token {}, which {} names as the end of documents", path.string(),
         in_quotes(*named), eos ? "--eos" : config.string());
  }
  if (const auto id = tokenizer.id_of(kFamilyEos)) return *id;
  fail(ErrorKind::bad_input,
       "{}: which token ends a document? There is no \"eos_token\" in a tokenizer_config.json "
       "beside it and no token {}; name it with --eos",
       path.string(), kFamilyEos);
}

}  // namespace

CorpusTokenizer open_corpus_tokenizer(const fs::path& file_or_folder, const std::optional<std::string>& eos) {
  const fs::path path = tokenizer_path(file_or_folder);
  const std::string json = read_file(path, tokenizer::Tokenizer::kMaxFileBytes);
  CorpusTokenizer out{tokenizer::Tokenizer::parse(json, path.string()), to_hex(hash_of(json)), 0, 0};
  out.vocab_size = std::int64_t{out.tokenizer.max_id()} + 1;
  out.eos = find_eos(out.tokenizer, eos, path);
  return out;
}

}  // namespace nestor::corpus
