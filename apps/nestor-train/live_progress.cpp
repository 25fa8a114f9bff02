#include "live_progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"
#include "base/printable.h"
#include "nestor/terminal.h"

namespace nestor::app {
namespace {

constexpr double kRedrawSeconds = 0.2;

std::string duration_text(double seconds) {
  const auto s = static_cast<long>(seconds);
  if (s < 120) return fmt::format("{} s", s);
  if (s < 7200) return fmt::format("{} min", s / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

std::string line_of(const train::StepReport& r) {
  std::string line = fmt::format("step {}/{}  loss {:.4f}", r.step, r.steps, r.loss);
  if (r.draft_loss > 0) line += fmt::format("  draft {:.4f}", r.draft_loss);
  line += fmt::format("  {:.0f} tok/s  {:.1f} GFLOP/s", r.tokens_per_second, r.flops_per_second / 1e9);
  if (r.flops_per_second <= r.peak_flops_per_second) {  // else the measurement was disturbed
    line += fmt::format(" ({:.0f} % of peak)", 100 * r.flops_per_second / r.peak_flops_per_second);
  }
  line += fmt::format("  load {:.2f}  identity {:.0f} %", r.expert_load, 100 * r.identity_share);
  return line + fmt::format("  {} left", duration_text(r.seconds_left));
}

}  // namespace

LiveProgress::LiveProgress(std::function<void(const std::string&)> drops)
    : drops_(std::move(drops)), terminal_(is_terminal(STDERR_FILENO)) {
  drops_("ended at once; what this call trained is dropped, it has saved nothing yet");
}

LiveProgress::~LiveProgress() {
  if (drawn_) app::say("\n");
}

void LiveProgress::say(std::string_view text) { print_line(std::string(text)); }

void LiveProgress::advanced(const train::StepReport& report) {
  const auto now = Clock::now();
  const std::lock_guard lock(mutex_);
  if (is_training_) step_seconds_ = std::chrono::duration<double>(now - step_began_).count();
  is_training_ = true;
  step_began_ = now;
  if (!terminal_ || std::chrono::duration<double>(now - last_).count() < kRedrawSeconds) return;
  last_ = now;
  draw(line_of(report));
}

void LiveProgress::reported(const train::StepReport& report) {
  if (!terminal_) print_line(line_of(report));
}

void LiveProgress::evaluated(const train::EvaluationReport& r) {
  std::string line = fmt::format("step {}  held-out loss {:.4f}", r.step, r.nll_per_token);
  if (r.bits_per_byte > 0) line += fmt::format("  {:.4f} bits per byte", r.bits_per_byte);
  if (r.draft_nll_per_token > 0) line += fmt::format("  draft {:.4f}", r.draft_nll_per_token);
  print_line(line + fmt::format("  ({} tokens)", r.tokens));
}

void LiveProgress::saved(std::int64_t step) {
  print_line(fmt::format("step {}  snapshot saved", step));
  drops_(fmt::format("ended at once; what was trained after step {} is dropped, --resume goes on from there",
                     step));
}

void LiveProgress::stopping() {
  double seconds = 0;
  {
    const std::lock_guard lock(mutex_);
    seconds = step_seconds_;
  }
  print_line(fmt::format(
      "stopping: the step is finished (about {:.1f} s) and a snapshot saved; Ctrl-C once more drops both",
      seconds));
}

void LiveProgress::draw(const std::string& line) {
  app::say("\r\x1b[K" + printable(line));
  drawn_ = true;
}

void LiveProgress::print_line(const std::string& line) {
  const std::lock_guard lock(mutex_);
  if (drawn_) app::say("\r\x1b[K");
  note(line);
  drawn_ = false;
}

}  // namespace nestor::app
