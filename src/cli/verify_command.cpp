#include "cli/command.h"
#include "cli/console.h"
#include "cli/decision_text.h"
#include "cli/exit_code.h"
#include "cli/pack_choice.h"
#include "cli/photo_run.h"
#include "gallery/model_file.h"
#include "gallery/name.h"
#include "gallery/snapshot.h"
#include "recognition/report_json.h"
#include "recognition/verify.h"

namespace faceforge::cli {
namespace {

struct VerifyCommandOptions {
  std::string gallery;
  std::string person;
  std::string image;
  double false_match_rate = 1e-4;
  bool json = false;
  bool largest = false;
  PackChoice pack;
};

Result<int> run_verify(const VerifyCommandOptions& options, const Interrupt&) {
  const auto photo = TRY(read_photo(options.image));
  const std::string person = TRY(gallery::checked_name(options.person));
  const auto model = TRY(gallery::read_model_file(options.gallery));
  const auto engine = TRY(open_engine_for_model(options.pack, model.pack_id));
  TRY(check_same_model(model, *engine));
  const auto policy = TRY(gallery::MatchPolicy::create(
      engine->calibration() ? engine->calibration() : model.calibration,
      {.false_match_rate = options.false_match_rate}));
  const auto choice =
      options.largest ? recognition::FaceChoice::Largest : recognition::FaceChoice::OnlyFace;
  const auto report = TRY(recognition::verify(photo, person, gallery::Snapshot(model), *engine,
                                              policy, {.face_choice = choice}));

  const bool match = report.decision.verdict == gallery::Verdict::Match;
  if (options.json) {
    print(json::to_pretty_text(recognition::to_json(report)));
  } else {
    print(fmt::format("{}  {}  similarity {:.3f}  ({})\n",
                      styled(match ? Style::Green : Style::Red, match ? "match" : "no match"),
                      to_printable(report.candidate.person), report.candidate.similarity,
                      threshold_text(report.decision.match_threshold)));
  }
  return match ? kExitDone : kExitNoMatch;
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
        command
            .add_option("--fmr", options.false_match_rate,
                        "How often a stranger may pass: 1e-4 is one in 10 000")
            ->type_name("RATE")
            ->capture_default_str();
        command.add_flag("--largest", options.largest,
                         "Take the largest face where the photo has several (else an error)");
        add_json_option(command, options.json);
        add_pack_options(command, options.pack);
        set_examples(command,
                     "  faceforge verify --gallery staff.ffg --person 'Ada Lovelace' door.jpg\n"
                     "Exit code: 0 match, 1 no match, 2 or more an error.");
      },
      run_verify);
}

}  // namespace faceforge::cli
