// A plot as data: what is drawn, what stands in the table behind it, and the sentence for readers who see
// neither.
#pragma once

#include <string>
#include <vector>

namespace nestor::report {

struct Point {
  double x = 0, y = 0;
  double error = 0;  // half the error bar; 0 draws none
};

struct Series {
  std::string name;
  std::vector<Point> points;  // x does not decrease
};

enum class Scale { linear, log };

struct Axis {
  std::string label;
  Scale scale = Scale::linear;
  std::vector<std::string> categories = {};  // of an x axis with names: point x = 0 belongs to the first
};

/// A place worth a ring and a word, such as where two curves cross.
struct Mark {
  double x = 0, y = 0;
  std::string label;
};

/// Points that an axis cannot show (not finite, not positive on a log axis) are missing in the picture and
/// stand in the table.
struct Plot {
  std::string id;  // letters, digits and '-': names elements of the page and a file
  std::string title;
  std::string summary;  // the text alternative: what there is to see
  Axis x, y;
  std::vector<Series> series;
  std::vector<Mark> marks = {};
};

}  // namespace nestor::report
