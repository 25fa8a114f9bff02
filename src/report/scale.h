// From values to places on an axis, and which values get a tick.
#pragma once

#include <string>
#include <vector>

#include "report/plot.h"

namespace nestor::report {

class Range {
 public:
  explicit Range(Scale scale) : scale_(scale) {}

  /// Whether the axis can show a value.
  bool shows(double value) const;
  /// Widens the range; a value that the axis cannot show changes nothing.
  void include(double value);
  /// Adds a twentieth at both ends, and more where all values are equal. Without any value the range is 0 to
  /// 1, or 1 to 10.
  void pad();
  /// 0 at the low end, 1 at the high one.
  double place(double value) const;
  /// Three to eight round values inside, ascending; fewer where the range has no room for them.
  std::vector<double> ticks() const;

 private:
  double low() const;
  double high() const;

  Scale scale_;
  bool empty_ = true;
  double low_ = 0, high_ = 0;  // in logarithms on a log axis
};

/// Short: "0.05", "12", "250k", "3.2M".
std::string tick_text(double value);

/// Four significant digits, for tables.
std::string number_text(double value);

}  // namespace nestor::report
