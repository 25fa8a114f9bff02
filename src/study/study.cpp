#include "study/study.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/checked_json.h"
#include "base/error.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/folder_lock.h"
#include "config/footprint.h"
#include "corpus/shards.h"
#include "corpus/text_hash.h"
#include "report/markdown.h"
#include "report/scale.h"
#include "study/data.h"
#include "study/lanes.h"
#include "study/study_report.h"

namespace nestor::study {
namespace {

namespace fs = std::filesystem;

std::string collisions_key(const Context& context, std::int64_t draw, std::int64_t draws) {
  return "collisions-" +
         corpus::to_hex(corpus::hash_of(fmt::format("{}\n{}\n{}", context.corpus, draw, draws)));
}

// What the report of a folder is made from, so that results alone can be kept.
void write_record(const fs::path& folder, const Json& grid, const Context& context) {
  const Json record = {{"grid", grid}, {"corpus", context.corpus}, {"program", context.program}};
  write_file(folder / "study.json", to_text(with_checksum(record), 1) + "\n");
}

// A folder with anything else in it is not ours: a study removes what is damaged or unfinished there.
void claim(const fs::path& folder, const Json& grid) {
  std::vector<std::string> names = names_in(folder);
  std::erase_if(names,
                [](const std::string& name) { return name.starts_with("study.json."); });  // unfinished
  if (std::ranges::find(names, "study.json") != names.end()) return;
  if (!names.empty())
    fail(ErrorKind::usage, "{}: the folder is not empty and no study; choose another --out", folder.string());
  fs::create_directories(folder);
  write_record(folder, grid, {});
}

struct Record {
  Grid grid;
  Context context;
};
Record read_record(const fs::path& folder) {
  const fs::path file = folder / "study.json";
  if (!fs::exists(file)) fail(ErrorKind::not_found, "{}: there is no study in this folder", folder.string());
  Json json = read_json(file, kMostFileBytes);
  take_checksum(json, file.string(), "; start the study again, which keeps its results");
  return {parse_grid(json.at("grid"), file.string()),
          {json.at("corpus").get<std::string>(), json.at("program").get<std::string>()}};
}

// Short work that needs the machine for itself, or none of its processes: once, by the first part.
void count_and_serve(const StudyRequest& request, const Grid& grid, const Context& context,
                     const StudyData& data, const JobStore& store, const fs::path& work,
                     const std::stop_token& stop) {
  for (std::int64_t draw = 0; draw < grid.draws; ++draw) {
    const std::string key = collisions_key(context, draw, grid.draws);
    if (store.find(key, request.note)) continue;
    store.put(key,
              to_json(sweep_collisions(corpus::Shards(data.corpus, corpus::Split::train), draw, grid.draws)));
  }
  for (const ServingJob& job : serving_jobs(grid, context.program)) {
    if (!store.find(job.key, request.note))
      store.put(job.key, measure_serving(job, {request.start, work}, stop));
  }
}

Evidence gather(const Grid& grid, const Context& context, const JobStore& store, const Note& note) {
  Evidence evidence;
  for (const Job& job : jobs_of(grid, context)) {
    auto found = store.find(job.key, note);
    if (!found) continue;
    JobResult result = result_from(*found, job.key);
    result.name = job.name;  // equal jobs of other grids may have other names
    evidence.results.add(std::move(result));
  }
  for (std::int64_t draw = 0; draw < grid.draws; ++draw) {
    const std::string key = collisions_key(context, draw, grid.draws);
    if (const auto found = store.find(key, note)) evidence.collisions.push_back(sweep_from(*found, key));
  }
  for (const ServingJob& job : serving_jobs(grid, context.program)) {
    if (const auto found = store.find(job.key, note))
      evidence.serving.push_back(serving_from(*found, job.key));
  }
  return evidence;
}

}  // namespace

void run_study(const StudyRequest& request, ProgressSink& progress, const std::stop_token& stop) {
  const Grid grid = parse_grid(request.grid, "the grid");
  share_of({}, request.part, request.parts);  // refuses what makes no sense before anything is done
  claim(request.folder, request.grid);
  const fs::path work = request.folder / "work" / fmt::format("{}-of-{}", request.part, request.parts);
  fs::create_directories(work.parent_path());
  const FolderLock lock(work);
  const StudyData data = prepare_data(grid.text, request.books, request.folder / "data", progress, stop);
  const Context context{data.fingerprint, request.program};
  write_record(request.folder, request.grid, context);
  const JobStore store(request.folder / "jobs");
  if (request.part == 1) count_and_serve(request, grid, context, data, store, work, stop);
  const JobSetting setting{request.start, data, work, request.gflops, request.machine};
  run_jobs(share_of(jobs_of(grid, context), request.part, request.parts), setting, store,
           {request.lanes, request.note}, progress, stop);
  write_study_report(request.folder, request.program, request.note);
}

ReportSummary write_study_report(const fs::path& folder, const std::string& program, const Note& note) {
  const Record record = read_record(folder);
  if (record.context.program != program)
    note(fmt::format("the results are of version {}, this is {}", record.context.program, program));
  const JobStore store(folder / "jobs");
  const Evidence evidence = gather(record.grid, record.context, store, note);
  ReportSummary summary{findings_of(evidence), 0, std::ssize(jobs_of(record.grid, record.context))};
  for (const auto& [name, runs] : evidence.results.all()) summary.done += std::ssize(runs);
  report::write_report(study_document(record.grid, record.context, evidence, summary), folder, "report");
  write_file(folder / "results.json",
             to_text(study_json(record.grid, record.context, evidence, summary), 1) + "\n");
  return summary;
}

report::Table plan_of(const Grid& grid) {
  report::Table table{{"run", "seeds", "parameters", "activated", "n-gram share", "million tokens"}, {}};
  for (const Variant& v : grid.variants) {
    const recipe::Recipe r = typed(v.recipe, v.name);
    const config::Footprint f = config::footprint_of(r.model.config);
    const double tokens = static_cast<double>(r.schedule.steps * r.data.rows * r.data.window);
    table.rows.push_back({v.name, std::to_string(v.seeds.size()), std::to_string(f.total),
                          std::to_string(f.activated_max),
                          fmt::format("{:.0f} %", 100.0 * static_cast<double>(f.ngram + f.per_layer) /
                                                      static_cast<double>(f.total)),
                          report::number_text(tokens / 1e6)});
  }
  return table;
}

}  // namespace nestor::study
