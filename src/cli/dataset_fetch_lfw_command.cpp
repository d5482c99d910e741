#include <memory>

#include "cli/console.h"
#include "cli/dataset_command.h"
#include "cli/exit_code.h"
#include "cli/text.h"
#include "dataset/fetch_lfw.h"

namespace faceforge::cli {
namespace {

struct FetchCommandOptions {
  std::string from;
  std::string output;
  std::optional<std::string> sha256;
  bool dry_run = false;
  bool json = false;
};

/// A progress bar for each of the phases that follow one another.
class PhaseBars {
 public:
  void update(std::string_view phase, uint64_t done_bytes, uint64_t total_bytes) {
    if (!bar_ || phase != phase_) {
      bar_.reset();  // takes the old one off the screen first
      phase_ = phase;
      bar_ = std::make_unique<ProgressBar>(phase_ + " (kB)");
    }
    bar_->update(done_bytes / 1000, total_bytes / 1000);
  }

 private:
  std::string phase_;
  std::unique_ptr<ProgressBar> bar_;
};

json::object report_json(const dataset::FetchReport& report, const FetchCommandOptions& options) {
  return {{"output", options.output},
          {"sha256", report.sha256},
          {"known_as", report.known_as ? json::value(*report.known_as) : json::value(nullptr)},
          {"people", report.person_count},
          {"photos", report.photo_count},
          {"dry_run", options.dry_run}};
}

std::string report_text(const dataset::FetchReport& report, const FetchCommandOptions& options) {
  const std::string sum =
      report.sha256.empty()
          ? "nothing was downloaded\n"
          : fmt::format("sha256 {} ({})\n", report.sha256,
                        report.known_as ? fmt::format("{} as it is known", *report.known_as)
                                        : "not one that is known here");
  if (options.dry_run) return sum;
  return sum + fmt::format("{} photos of {} people in {}\n", report.photo_count,
                           report.person_count, to_printable(options.output));
}

Result<int> run_fetch(const FetchCommandOptions& options, const Interrupt& interrupt) {
  std::filesystem::path output = options.output;
  if (!output.has_filename()) output = output.parent_path();  // "lfw/"
  dataset::FetchReport report;
  {
    PhaseBars bars;
    report = TRY(dataset::fetch_lfw(
        options.from, {.output = output,
                       .sha256 = options.sha256,
                       .dry_run = options.dry_run,
                       .report = [&](std::string_view phase, uint64_t done,
                                     uint64_t total) { bars.update(phase, done, total); },
                       .stop = interrupt.token(),
                       .cancelled = interrupt.flag()}));
  }
  print(options.json ? json::to_pretty_text(report_json(report, options))
                     : report_text(report, options));
  return kExitDone;
}

void declare_fetch(CLI::App& command, FetchCommandOptions& options) {
  command
      .add_option("--from", options.from,
                  "A .tar.gz of PERSON/PHOTO: a file, or an address on the public network")
      ->required()
      ->type_name("URL|FILE");
  command.add_option("-o,--output", options.output, "The folder of people to make")
      ->required()
      ->type_name("DIR");
  command
      .add_option("--sha256", options.sha256,
                  "What the archive's sum must be; lfw.tgz and lfw-funneled.tgz are known")
      ->type_name("HEX");
  add_dry_run_option(command, options.dry_run);
  add_json_option(command, options.json);
  set_examples(command,
               "  faceforge dataset fetch-lfw --from lfw-funneled.tgz -o lfw/\n"
               "  faceforge dataset fetch-lfw --from https://example.org/faces.tar.gz -o faces/");
}

}  // namespace

void add_dataset_fetch_lfw_command(CLI::App& dataset, Chosen& chosen) {
  add_command<FetchCommandOptions>(dataset, chosen, "fetch-lfw",
                                   "Get Labeled Faces in the Wild, or another archive of people",
                                   declare_fetch, run_fetch);
}

}  // namespace faceforge::cli
