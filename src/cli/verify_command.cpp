#include "cli/command.h"
#include "cli/photo_run.h"
#include "cli/verification.h"
#include "gallery/model_file.h"
#include "gallery/name.h"
#include "gallery/snapshot.h"
#include "recognition/report_json.h"

namespace faceforge::cli {
namespace {

struct VerifyCommandOptions : VerificationOptions {
  std::string gallery;
  std::string person;
  std::string image;
};

Result<int> run_verify(const VerifyCommandOptions& options, const Interrupt& interrupt) {
  const auto photo = TRY(read_photo(options.image));
  const std::string person = TRY(gallery::checked_name(options.person));
  const auto model = TRY(gallery::read_model_file(options.gallery));
  const auto engine = TRY(open_engine_for_model(options.pack, model.pack_id));
  TRY(check_same_model(model, *engine));
  const gallery::Snapshot snapshot(model);
  const auto policy = TRY(policy_of(options, snapshot.calibration_beside(engine->calibration())));
  TRY(interrupt.check());
  const auto report =
      TRY(recognition::verify(photo, person, snapshot, *engine, policy, faces_of(options)));
  TRY(interrupt.check());
  const auto& candidate = report.candidate;
  return print_verdict(
      options,
      {.person = candidate.person, .similarity = candidate.similarity, .decision = report.decision},
      recognition::to_json(report));
}

}  // namespace

void add_verify_command(CLI::App& app, Chosen& chosen) {
  add_command<VerifyCommandOptions>(
      app, chosen, "verify", "Tell whether a photo shows a person of a gallery",
      [](CLI::App& command, VerifyCommandOptions& options) {
        command.add_option("--gallery", options.gallery, "A gallery model")
            ->required()
            ->type_name("MODEL.ffg");
        command.add_option("--person", options.person, "The name of a person in it")
            ->required()
            ->type_name("NAME");
        command.add_option("IMAGE", options.image, "A photo of one face")
            ->required()
            ->type_name("FILE");
        add_verification_options(command, options);
        command.get_option("--pack")->default_str("the gallery's");
        set_examples(
            command,
            fmt::format(
                "  faceforge verify --gallery staff.ffg --person 'Ada Lovelace' door.jpg\n{}",
                kVerificationExitCodes));
      },
      run_verify);
}

}  // namespace faceforge::cli
