// What all runs of a study read: a tokenizer without random ids, the packed text, and the cloze task. Made
// once.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

#include "base/progress.h"
#include "study/grid.h"

namespace nestor::study {

struct StudyData {
  std::filesystem::path tokenizer, corpus, cloze;
  std::string fingerprint;  // of text, tokenizer and task
};

/// `books`: the sources where none are named. Opens what is there, or makes it; where another process
/// makes it, waits for that. Error: as for reading and packing text; usage if the folder holds the data of
/// another grid; cancelled.
StudyData prepare_data(const TextSpec& spec, const std::filesystem::path& books,
                       const std::filesystem::path& folder, ProgressSink& progress,
                       const std::stop_token& stop);

}  // namespace nestor::study
