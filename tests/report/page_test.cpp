// The page and its Markdown twin say the same.
#include <gtest/gtest.h>

#include "base/file.h"
#include "report/html.h"
#include "report/markdown.h"
#include "support/scratch_folder.h"

namespace nestor::report {
namespace {

Document document() {
  Plot plot{"fig5", "Norms", "The first attention drowns the embedding.", {"branch"}, {"norm", Scale::log},
            {}};
  plot.x.categories = {"attention 0", "mlp 0"};
  plot.series = {{"none", {{0, 9.0, 0.5}, {1, 18.9}}}, {"layer norm", {{1, 1.8}}}};
  Section section{
      "fig5", "Amplification", {{Badge::Tone::good, "shown"}, {Badge::Tone::bad, "contradicted"}}, {}};
  section.blocks = {Paragraph{"a < b & c"}, Table{{"seed", "nats"}, {{"1", "4.31|x"}}},
                    Command{"nestor train a.json"}, plot};
  return {"Study", "Three seeds.", {section}};
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Page, HasATableBehindEveryPlot) {
  const Table table = table_of(std::get<Plot>(document().sections[0].blocks[3]));
  EXPECT_EQ(table.head, (std::vector<std::string>{"branch", "none", "layer norm"}));
  EXPECT_EQ(table.rows, (std::vector<std::vector<std::string>>{{"attention 0", "9 ± 0.5000", ""},
                                                               {"mlp 0", "18.90", "1.800"}}));
  const std::string page = to_html(document()), twin = to_markdown(document(), "plots");
  EXPECT_TRUE(has(page, "<td>attention 0</td><td>9 ± 0.5000</td><td></td>")) << page;
  EXPECT_TRUE(has(twin, "| attention 0 | 9 ± 0.5000 |  |")) << twin;
}

TEST(Page, SaysTheSameAsItsTwin) {
  const std::string page = to_html(document()), twin = to_markdown(document(), "plots");
  for (const char* part : {"Study", "Three seeds.", "Amplification", "✓ shown", "✗ contradicted",
                           "nestor train a.json", "The first attention drowns the embedding."}) {
    EXPECT_TRUE(has(page, part)) << part;
    EXPECT_TRUE(has(twin, part)) << part;
  }
  EXPECT_TRUE(has(page, "a &lt; b &amp; c"));
  EXPECT_TRUE(has(twin, "a \\< b & c"));
  EXPECT_TRUE(has(twin, "| 1 | 4.31\\|x |"));
  EXPECT_TRUE(has(twin, "![Norms](plots/fig5.svg)"));
}

// A page that a mail or an archive can hold: nothing is fetched and nothing runs.
TEST(Page, AsksNothingOfAnybody) {
  const std::string page = to_html(document());
  for (const char* part : {"<script", "src=", "href=", "@import", "url("})
    EXPECT_FALSE(has(page, part)) << part;
  EXPECT_TRUE(has(page, "default-src 'none'"));
}

TEST(Page, IsWrittenWithItsPictures) {
  const testing::ScratchFolder folder;
  for (int i = 0; i < 2; ++i) write_report(document(), folder.path(), "report");
  EXPECT_EQ(read_file(folder.path() / "report.html", 1 << 20), to_html(document()));
  EXPECT_EQ(read_file(folder.path() / "report.md", 1 << 20), to_markdown(document(), "plots"));
  EXPECT_TRUE(has(read_file(folder.path() / "plots/fig5.svg", 1 << 20), "<style>"));
}

}  // namespace
}  // namespace nestor::report
