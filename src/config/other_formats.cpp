#include "config/other_formats.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/file_kind.h"
#include "base/folder.h"

namespace nestor::config {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTakeTheOriginal =
    "take the original checkpoint in BF16 or FP8; nestor convert --weights q4 quantizes it";

struct Method {
  std::string_view key;  // quant_method of quantization_config
  std::string_view name;
};

constexpr std::array kMethods = {Method{"gptq", "GPTQ"},
                                 Method{"awq", "AWQ"},
                                 Method{"compressed-tensors", "compressed-tensors (llm-compressor)"},
                                 Method{"bitsandbytes", "bitsandbytes"},
                                 Method{"torchao", "torchao"},
                                 Method{"mlx", "MLX"},
                                 Method{"modelopt", "NVIDIA ModelOpt"},
                                 Method{"mxfp4", "MXFP4"}};

bool any_key(const Json& object, std::initializer_list<const char*> keys) {
  return std::any_of(keys.begin(), keys.end(), [&](const char* key) { return object.contains(key); });
}

// The method that an object without quant_method gives away by its keys.
std::string_view method_by_keys(const Json& q) {
  if (any_key(q, {"load_in_4bit", "load_in_8bit", "bnb_4bit_quant_type", "_load_in_4bit", "_load_in_8bit"})) {
    return "bitsandbytes";
  }
  if (any_key(q, {"config_groups", "sparsity_config"})) return "compressed-tensors";
  if (any_key(q, {"damp_percent", "desc_act"})) return "gptq";
  if (any_key(q, {"zero_point", "w_bit"})) return "awq";
  if (any_key(q, {"quant_algo"})) return "modelopt";
  if (any_key(q, {"quant_type"})) return "torchao";
  return q.contains("group_size") && q.contains("bits") ? "mlx" : "";
}

[[noreturn]] void refuse(const std::string& what, const char* key, std::string_view method) {
  std::string name = in_quotes(method);
  for (const Method& m : kMethods) {
    if (m.key == method) name = m.name;
  }
  fail(ErrorKind::unsupported, "{}: {} says that the weights are quantized by {}, which is not supported; {}",
       what, key, name, kTakeTheOriginal);
}

// "org/model": how hubs name repositories.
bool is_hub_name(const std::string& text) {
  const auto slash = text.find('/');
  const auto plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '_' || c == '-' || c == '/';
  };
  return slash != text.npos && slash > 0 && slash + 1 < text.size() &&
         text.find('/', slash + 1) == text.npos && text.front() != '.' &&
         std::all_of(text.begin(), text.end(), plain);
}

[[noreturn]] void fail_no_folder(const fs::path& path) {
  std::error_code error;
  if (fs::exists(path, error)) {
    const InputFile file(path);
    std::string head(std::min<std::uint64_t>(file.size(), kKindBytes), '\0');
    file.read_at(0, std::as_writable_bytes(std::span(head)));
    const FileKind* kind = file_kind(head);
    fail(ErrorKind::not_found, "{}: expected a checkpoint folder, found a file{}", path.string(),
         kind == nullptr ? std::string("; name the folder that it is in")
                         : fmt::format(": {}; {}", kind->name, kind->advice));
  }
  const std::string name = path.string();
  if (is_hub_name(name) && !fs::exists(path.parent_path(), error)) {
    fail(
        ErrorKind::not_found,
        "{}: no such folder; if it is a repository of a hub, fetch it first: hf download {} --local-dir DIR, "
        "and name DIR",
        name, name);
  }
  fail(ErrorKind::not_found, "{}: expected a checkpoint folder, found nothing there", name);
}

struct Other {
  std::string_view suffix;
  std::string_view what;
};

constexpr std::array kOthers = {
    Other{".gguf", "a GGUF file; take the original checkpoint in safetensors"},
    Other{".incomplete", "an unfinished download; download it again"},
    Other{".part", "an unfinished download; download it again"},
    Other{".aria2", "an unfinished download; download it again"},
    Other{".crdownload", "an unfinished download; download it again"},
    Other{".bin", "pickles of PyTorch, which may run programs; save the model as safetensors"},
    Other{".pt", "pickles of PyTorch, which may run programs; save the model as safetensors"},
    Other{".pth", "pickles of PyTorch, which may run programs; save the model as safetensors"},
    Other{".npz", "arrays of MLX or NumPy; take the original checkpoint in safetensors"},
    Other{".h5", "weights of TensorFlow; take the original checkpoint in safetensors"},
    Other{".msgpack", "weights of Flax; take the original checkpoint in safetensors"},
    Other{".onnx", "a model for ONNX; take the original checkpoint in safetensors"},
};

}  // namespace

void refuse_other_quantization(const Json& config, const std::string& what) {
  if (!config.is_object()) return;
  for (const char* key : {"quantization_config", "compression_config", "quantization"}) {
    const auto it = config.find(key);
    if (it == config.end() || !it->is_object()) continue;
    if (std::string_view(key) == "quantization") refuse(what, key, "mlx");
    const auto method = it->find("quant_method");
    const bool named = method != it->end() && method->is_string();
    const std::string name = named ? method->get<std::string>() : std::string(method_by_keys(*it));
    if (!name.empty() && name != "fp8" && name != "nestor") refuse(what, key, name);
  }
}

fs::path checkpoint_folder(const fs::path& folder) {
  std::error_code error;
  const fs::path snapshots = folder / "snapshots";
  if (!fs::is_directory(snapshots, error) || fs::exists(folder / "config.json", error)) return folder;
  const fs::path reference = folder / "refs" / "main";
  if (fs::is_regular_file(reference, error)) {
    std::string revision = read_file(reference, 4096);
    revision.erase(
        std::remove_if(revision.begin(), revision.end(), [](char c) { return c == '\n' || c == '\r'; }),
        revision.end());
    const bool plain = revision.find('/') == revision.npos && !revision.empty() && revision.front() != '.';
    if (plain && fs::is_directory(snapshots / revision, error)) return snapshots / revision;
  }
  const auto names = names_in(snapshots);
  if (names.size() == 1) return snapshots / names.front();
  fail(ErrorKind::bad_input, "{}: a folder of a hub's cache with {} snapshots; name one of the folders in {}",
       folder.string(), names.size(), snapshots.string());
}

void fail_without(const std::string& missing, const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) fail_no_folder(folder);
  const auto names = names_in(folder);
  if (std::find(names.begin(), names.end(), "adapter_config.json") != names.end()) {
    fail(ErrorKind::unsupported,
         "{}: no {} in this folder: it holds an adapter (LoRA), not a model; merge it into its base model "
         "first "
         "(merge_and_unload of peft) and save that",
         folder.string(), missing);
  }
  for (const Other& other : kOthers) {
    for (const std::string& name : names) {
      if (!name.ends_with(other.suffix)) continue;
      fail(ErrorKind::not_found, "{}: no {} in this folder, but {}: {}", folder.string(), missing, name,
           other.what);
    }
  }
  fail(ErrorKind::not_found, "{}: no {} in this folder; expected the files of a checkpoint", folder.string(),
       missing);
}

}  // namespace nestor::config
