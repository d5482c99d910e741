#pragma once

#include <string>

#include <CLI/App.hpp>

#include "base/result.h"

namespace faceforge::cli {

/// Where a measurement is written to beside standard output.
struct ReportFiles {
  std::string markdown;
  std::string page;
};

/// `--markdown FILE` and `--report FILE.html`
void add_report_options(CLI::App& command, ReportFiles& files);

/// The script that draws a page's plots, read before hours are spent.
///
/// out:   empty when no page is asked for
/// fails: not_found/plot_script_missing, saying how it is made; as file_to_write of either file
[[nodiscard]] Result<std::string> prepare_reports(const ReportFiles& files);

}  // namespace faceforge::cli
