#include "cli/report_files.h"

#include <filesystem>
#include <system_error>

#include "base/file.h"
#include "cli/web_folder.h"

namespace faceforge::cli {
namespace {

constexpr size_t kPlotScript_bytes = size_t{16} << 20;

}  // namespace

void add_report_options(CLI::App& command, ReportFiles& files) {
  command.add_option("--markdown", files.markdown, "Write the report as Markdown, too")
      ->type_name("FILE");
  command
      .add_option("--report", files.page,
                  "Write the report as one page with interactive plots and pictures, too")
      ->type_name("FILE.html");
}

Result<std::string> prepare_reports(const ReportFiles& files) {
  if (!files.markdown.empty()) TRY(file_to_write(files.markdown));
  if (files.page.empty()) return std::string();
  TRY(file_to_write(files.page));
  const std::filesystem::path script = default_web_folder() / "report" / "plots.js";
  std::error_code failed;
  if (!std::filesystem::is_regular_file(script, failed)) {
    return fail(ErrorCode::NotFound, "plot_script_missing",
                "the script that draws the plots of a page, {}, is not there: ./run makes it with "
                "the pages (npm run build in web/), FACEFORGE_WEB names another place; --markdown "
                "and --json need none",
                script.string());
  }
  return read_text_file(script, kPlotScript_bytes);
}

}  // namespace faceforge::cli
