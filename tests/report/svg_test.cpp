#include "report/svg.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

namespace nestor::report {
namespace {

Plot plot() {
  Plot p{"fig2", "Loss by ratio", "Tables win from 3 on.", {"ratio", Scale::log}, {"nats"}, {}};
  p.series = {{"experts", {{3, 4.6}, {12, 4.59, 0.01}}}, {"tables", {{3, 4.44}, {12, 4.3, 0.02}}}};
  p.marks = {{3.5, 4.5, "crosses at 3.5"}};
  return p;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(Svg, HasATextAlternative) {
  const std::string s = svg(plot(), Use::inside_page);
  EXPECT_NE(s.find("role=\"img\" aria-labelledby=\"fig2-title fig2-text\""), std::string::npos) << s;
  EXPECT_NE(s.find("<title id=\"fig2-title\">Loss by ratio</title>"), std::string::npos);
  EXPECT_NE(s.find("<desc id=\"fig2-text\">Tables win from 3 on.</desc>"), std::string::npos);
}

TEST(Svg, DrawsCurvesErrorBarsMarksAndScales) {
  const std::string s = svg(plot(), Use::inside_page);
  EXPECT_EQ(count(s, "<path class=\"curve"), 2U);
  EXPECT_EQ(count(s, "class=\"bar"), 6U);  // a stroke and two caps for each of two
  EXPECT_EQ(count(s, "class=\"mark\""), 1U);
  EXPECT_NE(s.find("crosses at 3.5"), std::string::npos);
  EXPECT_NE(s.find("ratio (log scale)"), std::string::npos);
  EXPECT_EQ(s.find("<style>"), std::string::npos);
  EXPECT_NE(svg(plot(), Use::alone).find("<style>"), std::string::npos);
}

// Without colours: no two of the first six series have the same dashes, nor the same marker.
TEST(Svg, SeriesDifferWithoutColour) {
  Plot p = plot();
  p.series.clear();
  for (int i = 0; i < 6; ++i)
    p.series.push_back({std::string(1, static_cast<char>('a' + i)), {{1, 1.0 * i}, {2, 2.0 * i}}});
  const std::string s = svg(p, Use::inside_page);
  std::set<std::string> markers;
  for (std::size_t at = s.find(" d=\"M"); at != std::string::npos; at = s.find(" d=\"M", at + 1)) {
    if (s.rfind("class=\"marker", at) > s.rfind("<path", at))
      markers.insert(s.substr(at, s.find('"', at + 4) - at));
  }
  EXPECT_EQ(markers.size(), 6U);
  EXPECT_EQ(count(plot_style(), "stroke-dasharray"), 5U);
  EXPECT_NE(plot_style().find("prefers-color-scheme:dark"), std::string::npos);
}

TEST(Svg, LeavesOutWhatCannotBeDrawn) {
  Plot p = plot();
  p.y.scale = Scale::log;
  const double inf = std::numeric_limits<double>::infinity();
  p.series = {{"a", {{-1, 2}, {1, -2}, {2, 5, 100}, {3, inf}, {4, 6}}}, {"none", {}}};
  p.marks = {{-1, 0, "nowhere"}};
  const std::string s = svg(p, Use::inside_page);
  for (const char* bad : {"nan", "inf", "nowhere"}) EXPECT_EQ(s.find(bad), std::string::npos) << bad << s;
  EXPECT_EQ(count(s, "class=\"marker s0\""), 3U);  // two points and the legend
}

TEST(Svg, EscapesNames) {
  Plot p = plot();
  p.title = "<script>\"&\x01\xff";
  p.series[0].name = "</svg>";
  const std::string s = svg(p, Use::inside_page);
  EXPECT_NE(s.find("&lt;script&gt;&quot;&amp; \xEF\xBF\xBD"), std::string::npos) << s;
  EXPECT_EQ(count(s, "</svg>"), 1U);
}

}  // namespace
}  // namespace nestor::report
