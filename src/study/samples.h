// One value for each seed, and what may be said of them.
#pragma once

#include <string>
#include <vector>

namespace nestor::study {

struct Samples {
  std::vector<double> values;

  double mean() const;  // 0 without values
  double sd() const;    // of a sample; 0 below two values
  double least() const;
  double most() const;
};

enum class Verdict { shown, not_shown, contradicted };
/// "shown", "not shown at this scale", "contradicted".
const char* name_of(Verdict verdict);

/// Fewer seeds say nothing, whatever their values.
inline constexpr std::size_t kSeedsForAVerdict = 3;

/// Shown if every seed has at least the threshold, which is positive; contradicted if every seed has at most
/// its negative.
Verdict judge(const Samples& samples, double threshold);

/// Why: the values, the threshold, the seeds.
std::string reason(const Samples& samples, double threshold, const std::string& unit);

}  // namespace nestor::study
