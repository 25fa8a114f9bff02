#include "train/loop/metrics.h"

#include <sstream>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace nestor::train {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 32;

// A line that a crash cut short is dropped too.
void drop_after(const std::filesystem::path& path, std::int64_t step) {
  if (!std::filesystem::exists(path)) return;
  std::istringstream lines(read_file(path, kMostBytes));
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    const Json json = Json::parse(line, nullptr, false);
    if (json.is_object() && json.contains("step") && json["step"].is_number_integer() &&
        json["step"] <= step) {
      kept += line + "\n";
    }
  }
  write_file(path, kept);
}

}  // namespace

Metrics::Metrics(const Files& files, std::int64_t step)
    : path_(files.lines), events_(files.events, step + 1) {
  drop_after(path_, step);
  out_.open(path_, std::ios::app);
  if (!out_) fail(ErrorKind::io, "{}: cannot write", path_.string());
}

void Metrics::add(const StepReport& r) {
  write({{"step", r.step},
         {"loss", r.loss},
         {"draft_loss", r.draft_loss},
         {"balance_loss", r.balance_loss},
         {"learning_rate_factor", r.learning_rate_factor},
         {"gradient_norm", r.gradient_norm},
         {"tokens_per_second", r.tokens_per_second},
         {"flops_per_second", r.flops_per_second},
         {"expert_load", r.expert_load},
         {"identity_share", r.identity_share},
         {"resident_bytes", r.resident_bytes}});
  const std::vector<Scalar> scalars = {{"train/loss", r.loss},
                                       {"train/draft_loss", r.draft_loss},
                                       {"train/balance_loss", r.balance_loss},
                                       {"train/learning_rate_factor", r.learning_rate_factor},
                                       {"train/gradient_norm", r.gradient_norm},
                                       {"speed/tokens_per_second", r.tokens_per_second},
                                       {"speed/flops_per_second", r.flops_per_second},
                                       {"experts/load", r.expert_load},
                                       {"experts/identity_share", r.identity_share}};
  events_.add(r.step, scalars);
}

void Metrics::add(const EvaluationReport& r) {
  Json line = {{"step", r.step}, {"heldout_nll_per_token", r.nll_per_token}, {"heldout_tokens", r.tokens}};
  std::vector<Scalar> scalars = {{"heldout/nll_per_token", r.nll_per_token}};
  if (r.bits_per_byte > 0) {
    line["heldout_bits_per_byte"] = r.bits_per_byte;
    scalars.emplace_back("heldout/bits_per_byte", r.bits_per_byte);
  }
  if (r.draft_nll_per_token > 0) {
    line["heldout_draft_nll_per_token"] = r.draft_nll_per_token;
    scalars.emplace_back("heldout/draft_nll_per_token", r.draft_nll_per_token);
  }
  for (const BranchNorm& norm : r.norms)
    line["norms"].push_back({{"name", norm.name}, {"branch", norm.branch}, {"stream", norm.stream}});
  write(line);
  events_.add(r.step, scalars);
}

void Metrics::write(const Json& line) {
  out_ << to_text(line) << "\n";
  out_.flush();
  if (!out_) fail(ErrorKind::io, "{}: cannot write; is the disk full?", path_.string());
}

}  // namespace nestor::train
