#include "train/loop/reports.h"

#include <algorithm>

namespace nestor::train {

void Reports::pause() { spent_ = seconds(); }

void Reports::resume() { start_ = Clock::now(); }

double Reports::seconds() const {
  return spent_ + std::chrono::duration<double>(Clock::now() - start_).count();
}

void Reports::add(std::int64_t step, const StepResult& r) {
  step_ = step;
  ++count_;
  tokens_ += r.tokens;
  sum_.loss += r.loss;
  sum_.draft_loss += r.draft_loss;
  sum_.balance_loss += r.balance_loss;
  sum_.gradient_norm += r.gradient_norm;
  sum_.expert_load += r.expert_load;
  sum_.identity_share += r.identity_share;
  last_ = r;
}

StepReport Reports::report() const {
  const double n = static_cast<double>(std::max<std::int64_t>(1, count_));
  const double time = std::max(1e-9, seconds());
  StepReport out;
  out.step = step_;
  out.steps = run_.steps;
  out.loss = sum_.loss / n;
  out.draft_loss = sum_.draft_loss / n;
  out.balance_loss = sum_.balance_loss / n;
  out.gradient_norm = sum_.gradient_norm / n;
  out.learning_rate_factor = last_.learning_rate_factor;
  out.expert_load = sum_.expert_load / n;
  out.identity_share = sum_.identity_share / n;
  out.tokens_per_second = static_cast<double>(tokens_) / time;
  out.flops_per_second = out.tokens_per_second * run_.flops_per_token;
  out.peak_flops_per_second = run_.peak_flops_per_second;
  // The first steps are slower than all others, so the latest say most.
  const bool any = count_ > 0;
  const double steps = static_cast<double>(any ? count_ : std::max<std::int64_t>(1, total_steps_));
  out.seconds_left = (any ? time : total_seconds_) / steps * static_cast<double>(run_.steps - step_);
  return out;
}

void Reports::clear() {
  total_seconds_ += seconds();
  total_steps_ += count_;
  count_ = tokens_ = 0;
  sum_ = {};
  spent_ = 0;
  start_ = Clock::now();
}

}  // namespace nestor::train
