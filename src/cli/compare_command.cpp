#include "cli/command.h"
#include "cli/photo_run.h"
#include "cli/verification.h"
#include "recognition/report_json.h"

namespace faceforge::cli {
namespace {

struct CompareOptions : VerificationOptions {
  std::string first;
  std::string second;
};

Result<int> run_compare(const CompareOptions& options, const Interrupt& interrupt) {
  const auto first = TRY(read_photo(options.first));
  const auto second = TRY(read_photo(options.second));
  const auto engine = TRY(open_engine(options.pack));
  const auto policy = TRY(policy_of(options, engine->calibration()));
  TRY(interrupt.check());
  const auto report = TRY(recognition::compare(first, second, *engine, policy, faces_of(options)));
  TRY(interrupt.check());
  return print_verdict(options,
                       {.person = {}, .similarity = report.similarity, .decision = report.decision},
                       recognition::to_json(report));
}

}  // namespace

void add_compare_command(CLI::App& app, Chosen& chosen) {
  add_command<CompareOptions>(
      app, chosen, "compare", "Tell whether two photos show one person",
      [](CLI::App& command, CompareOptions& options) {
        command.add_option("A", options.first, "A photo of one face")
            ->required()
            ->type_name("FILE");
        command.add_option("B", options.second, "Another")->required()->type_name("FILE");
        add_verification_options(command, options);
        set_examples(command,
                     fmt::format("  faceforge compare passport.jpg selfie.jpg && echo same person\n"
                                 "  faceforge compare a.jpg b.jpg --fmr 1e-5 --json\n{}",
                                 kVerificationExitCodes));
      },
      run_compare);
}

}  // namespace faceforge::cli
