// Whole studies with made-up programs: what is in the folder, and that a second call finds it.
#include "study/study.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/random.h"
#include "fake_programs.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"

namespace nestor::study {
namespace {

namespace fs = std::filesystem;

// Of a small vocabulary with much to merge.
std::string word_of(std::uint32_t number) {
  constexpr const char* kParts[] = {"ba", "ru", "lo", "mi", "ten", "sha", "gor", "fel"};
  return std::string(kParts[number % 8]) + kParts[number / 8 % 8] + " ";
}

struct Place {
  Place() {
    std::string lines;
    for (std::uint64_t d = 0; d < 60; ++d) {
      std::string story;
      for (std::uint64_t w = 0; w < 150; ++w) story += word_of(philox(7, w, d)[0]);
      lines += to_text(Json{{"text", story}}) + "\n";
    }
    request.grid = preset("smoke");
    request.grid["text"] = {{"vocab_size", 290}, {"questions", 3}};
    request.grid["draws"] = 0;
    request.grid["batches"] = Json::array();
    for (Json& run : request.grid["runs"]) run["set"]["model.config"]["vocab_size"] = 290;
    request.books = folder.write("books.jsonl", lines);
    request.folder = folder.path() / "study";
    request.program = "1.0";
    request.machine = "a machine";
    request.lanes = 3;
    request.start = programs.start();
    request.note = [this](const std::string& text) { notes.push_back(text); };
    programs.polls = 1;
    programs.loss = [](const std::string& name, int seed) {
      return 4 + 0.01 * seed + (name.starts_with("moe") ? 0.3 : 0.0);
    };
  }
  void run() {
    NoProgress nothing;
    run_study(request, nothing, {});
  }
  std::string read(const std::string& name) const { return read_file(request.folder / name, 16 << 20); }

  testing::ScratchFolder folder;
  testing::FakePrograms programs;
  StudyRequest request;
  std::vector<std::string> notes;
};

TEST(Study, LeavesAReportThatIsWrittenAgainAlike) {
  Place place;
  place.run();
  const int jobs = place.programs.trained;
  EXPECT_EQ(jobs, 3 * static_cast<int>(place.request.grid["runs"].size()));
  const std::string page = place.read("report.html"), twin = place.read("report.md"),
                    json = place.read("results.json");
  EXPECT_EQ(parse_json(json, "results")["done"], jobs);
  EXPECT_NE(twin.find("fig2"), std::string::npos);
  place.run();
  EXPECT_EQ(place.programs.trained, jobs);
  EXPECT_EQ(place.read("report.html"), page);
  EXPECT_EQ(place.read("report.md"), twin);
  EXPECT_EQ(place.read("results.json"), json);
  // Results and the record alone are enough, as they are kept in a repository.
  for (const char* name : {"data", "work", "report.html", "report.md", "plots"})
    fs::remove_all(place.request.folder / name);
  const ReportSummary summary = write_study_report(place.request.folder, "1.0", place.request.note);
  EXPECT_EQ(summary.done, jobs);
  EXPECT_EQ(place.read("report.html"), page);
}

TEST(Study, PartsMakeOneWhole) {
  Place whole, parts;
  whole.run();
  parts.request.parts = 3;
  for (const std::int64_t part : {3, 1, 2}) {
    parts.request.part = part;
    parts.run();
  }
  EXPECT_EQ(parts.programs.trained, whole.programs.trained);
  EXPECT_EQ(parts.read("results.json"), whole.read("results.json"));
  EXPECT_EQ(parts.read("report.html"), whole.read("report.html"));
  parts.request.part = 4;
  EXPECT_REFUSED(parts.run(), ErrorKind::usage, "I/N");
}

TEST(Study, AnUnfinishedOneReportsWhatItHas) {
  Place place;
  place.programs.fails = [](const std::string& name, int seed) { return name == "ne-r12" && seed == 3; };
  EXPECT_REFUSED(place.run(), ErrorKind::bad_input, "ne-r12 seed 3");
  const ReportSummary summary = write_study_report(place.request.folder, "1.0", place.request.note);
  EXPECT_EQ(summary.done, summary.jobs - 1);
  EXPECT_EQ(summary.findings.at(0).verdict(), Verdict::not_shown);
  EXPECT_NE(summary.findings.at(0).reason().find("needs 3 seeds"), std::string::npos);
}

TEST(Study, AnotherProgramComputesAnew) {
  Place place;
  place.run();
  const int jobs = place.programs.trained;
  place.request.program = "1.1";
  place.run();
  EXPECT_EQ(place.programs.trained, 2 * jobs);
}

TEST(Study, TouchesNoFolderOfAnybodyElse) {
  Place place;
  for (const char* file : {"data/corpus/mine.txt", "work/thesis.txt", "note.txt"}) {
    fs::remove_all(place.request.folder);
    place.folder.write(std::string("study/") + file, "of the user");
    EXPECT_REFUSED(place.run(), ErrorKind::usage, "not empty and no study");
    EXPECT_EQ(place.read(file), "of the user");
  }
  fs::remove_all(place.request.folder);
  place.folder.write("study/study.json.123.tmp", "{");  // killed before anything
  place.run();
  EXPECT_GT(place.programs.trained, 0);
}

TEST(Study, AFolderWithoutOneSaysSo) {
  const testing::ScratchFolder folder;
  EXPECT_REFUSED(write_study_report(folder.path(), "1.0", [](const std::string&) {}), ErrorKind::not_found,
                 "no study");
}

}  // namespace
}  // namespace nestor::study
