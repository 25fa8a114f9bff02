// The report of a study, for people and for programs.
#pragma once

#include "base/json.h"
#include "report/document.h"
#include "study/study.h"

namespace nestor::study {

report::Document study_document(const Grid& grid, const Context& context, const Evidence& evidence,
                                const ReportSummary& summary);

/// {"grid", "program", "findings": [...], "runs": [...]}.
Json study_json(const Grid& grid, const Context& context, const Evidence& evidence,
                const ReportSummary& summary);

}  // namespace nestor::study
