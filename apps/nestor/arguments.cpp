#include "arguments.h"

#include <fmt/ranges.h>

#include <charconv>

#include "base/error.h"
#include "base/utf8.h"
#include "bundled_model.h"
#include "corpus/byte_source.h"
#include "corpus/documents.h"
#include "corpus/unpacking.h"
#include "environment.h"
#include "help_format.h"
#include "not_empty.h"

namespace nestor::app {
namespace {

constexpr std::uint64_t kMostTextBytes = std::uint64_t{1} << 30;

}  // namespace

void add_engine_options(CLI::App& root, assemble::OpenOptions& o) {
  root.add_option("--threads", o.threads, "Threads to compute with (default: one for each processor)")
      ->check(CLI::Range(1, 1024))
      ->option_text("N");
  root.add_option("--ctx", o.context, "Longest sequence, in tokens (default: what the model allows)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 30))
      ->option_text("N");
  root.add_option("--kernels", o.kernels,
                  "Kernel set: auto (the fastest here), reference, avx2, avx2_vnni, avx512, avx512_vnni, "
                  "avx512_amx, avx512_amx_bf16, avx512_bf16")
      ->option_text("NAME");
  root.add_option_function<std::string>(
          "--activations",
          [&o](const std::string& name) {
            o.activations = name == "bf16" ? kernels::Activations::bf16 : kernels::Activations::exact;
          },
          "What weights in bf16 are multiplied with: exact (float32), bf16 (rounded to it: faster where the "
          "processor has AVX512_BF16)")
      ->check(CLI::IsMember({"exact", "bf16"}))
      ->option_text("exact|bf16");
  o.streams_file = cache_folder().empty() ? "" : cache_folder() / "streams.json";
  root.add_option_function<std::string>(
          "--streams",
          [&o](const std::string& name) {
            if (name == "measure") o.streams = assemble::StreamChoice::measured;
            if (name == "fixed") o.streams = assemble::StreamChoice::built_in;
          },
          "How weights are read from memory: auto (measured once on a machine), measure (again), fixed (what "
          "is built "
          "in); the same numbers in any case")
      ->check(CLI::IsMember({"auto", "measure", "fixed"}))
      ->option_text("HOW");
  root.add_option_function<std::string>(
          "--dtype",
          [&o](const std::string& name) {
            if (name == "f32") o.cache_format = model::CacheFormat::f32;
            if (name == "bf16") o.cache_format = model::CacheFormat::bf16;
            if (name == "q8") o.cache_format = model::CacheFormat::q8;
          },
          "Numbers of the attention cache: auto (q8 beside quantized weights, else f32), f32, bf16 (half the "
          "memory), q8 (a quarter)")
      ->check(CLI::IsMember({"auto", "f32", "bf16", "q8"}))
      ->option_text("auto|f32|bf16|q8");
  root.add_flag(
      "--larger-than-memory",
      [&o](std::int64_t count) {
        if (count > 0) o.oversize = assemble::Oversize::accepted;
      },
      "Open a model whose weights do not fit memory: every token reads from disk");
  root.add_option("--accept-key", o.accepted_keys,
                  "Load although a configuration file has this unknown key (repeatable)")
      ->option_text("KEY")
      ->allow_extra_args(false);
}

std::vector<std::string> engine_options() {
  return {"--threads", "--ctx", "--kernels", "--streams", "--dtype", "--larger-than-memory", "--accept-key"};
}

void list_common_options(const Command& command) {
  const auto format = std::make_shared<HelpFormat>(command.common);
  const auto before = command.parser->get_formatter();
  command.parser->formatter(format);
  for (CLI::App* inner : command.parser->get_subcommands({})) {
    if (inner->get_formatter() == before) inner->formatter(format);  // others have a list of their own
  }
}

void check_common_options(const CLI::App& root, const Command& command) {
  for (const std::string& name : engine_options()) {
    if (root.count(name) == 0 || std::ranges::find(command.common, name) != command.common.end()) continue;
    fail(ErrorKind::usage, "nestor {} does not use {}; leave it out", command.parser->get_name(), name);
  }
}

void add_model(CLI::App& parser, std::string& model, const std::string& what) {
  parser.add_option("MODEL", model, fmt::format("A {} (default: the bundled model)", what))
      ->check(not_empty());
}

void require_one_of(const CLI::App& parser, const std::vector<std::string>& names) {
  std::vector<std::string> given;
  for (const std::string& name : names) {
    if (parser.count(name) > 0) given.push_back(name);
  }
  if (given.size() == 1) return;
  fail(ErrorKind::usage, "expected one of {}, found {}; see nestor {} --help", fmt::join(names, ", "),
       given.empty() ? "none" : fmt::format("{}", fmt::join(given, " and ")), parser.get_name());
}

CLI::Validator whole_number() {
  return {[](const std::string& text) {
            std::uint64_t value = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
            const bool whole = error == std::errc() && end == text.data() + text.size();
            return whole ? std::string()
                         : fmt::format("expected a whole number below 2^64, found {}", in_quotes(text));
          },
          ""};
}

CLI::Range at_least_zero() { return {std::int64_t{0}, std::int64_t{1} << 30}; }

std::filesystem::path resolve_model(const std::string& model) {
  return model.empty() ? bundled_model() : std::filesystem::path(model);
}

std::vector<TokenId> parse_ids(const std::string& text, std::string_view option) {
  std::vector<TokenId> ids;
  const char* at = text.data();
  const char* end = at + text.size();
  if (text.starts_with('[') && text.ends_with(']')) {  // a JSON list, as tokenize --json prints it
    ++at;
    --end;
  }
  const auto separator = [](char c) { return c == ' ' || c == ',' || c == '\n' || c == '\t' || c == '\r'; };
  while (true) {
    while (at != end && separator(*at)) ++at;
    if (at == end) return ids;
    TokenId id = 0;
    const auto [next, error] = std::from_chars(at, end, id);
    if (error != std::errc() || id < 0 || (next != end && !separator(*next))) {
      fail(ErrorKind::usage, "{}: expected token ids like \"1 2 3\", found {}", option,
           in_quotes(std::string_view(at, static_cast<std::size_t>(end - at)), 40));
    }
    ids.push_back(id);
    at = next;
  }
}

std::string read_text(const std::string& file_or_dash) {
  const std::string name = file_or_dash == "-" ? "standard input" : file_or_dash;
  corpus::ByteSource source(file_or_dash, {});
  std::string text;
  std::vector<char> piece(1U << 20);
  while (const std::size_t n = source.read(piece)) {
    text.append(piece.data(), n);
    if (text.size() > kMostTextBytes)
      fail(ErrorKind::limit, "{}: more than the {} bytes that are accepted", name, kMostTextBytes);
  }
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  if (!is_valid_utf8(text)) {
    fail(ErrorKind::bad_input, "{}: the text is not valid UTF-8; convert it, or repair it with iconv -c",
         name);
  }
  return text;
}

std::string read_documents(const std::string& file_or_dash) {
  const std::string plain = corpus::without_packing(file_or_dash);
  if (!plain.ends_with(".jsonl") && !plain.ends_with(".ndjson")) return read_text(file_or_dash);
  corpus::ReadOptions options;
  options.max_document_bytes = corpus::kMostDocumentBytes;
  corpus::DocumentReader reader({file_or_dash, corpus::TextFormat::jsonl, 0}, options, {});
  std::string text;
  for (corpus::Document document; reader.next(document);) {
    text += (text.empty() ? "" : "\n\n") + document.text;
    if (text.size() > kMostTextBytes) {
      fail(ErrorKind::limit, "{}: more than the {} bytes that are accepted", file_or_dash, kMostTextBytes);
    }
  }
  return text;
}

}  // namespace nestor::app
