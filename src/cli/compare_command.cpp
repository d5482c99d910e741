#include "cli/command.h"
#include "cli/console.h"
#include "cli/decision_text.h"
#include "cli/exit_code.h"
#include "cli/pack_choice.h"
#include "cli/photo_run.h"
#include "recognition/report_json.h"
#include "recognition/verify.h"

namespace faceforge::cli {
namespace {

struct CompareOptions {
  std::string first;
  std::string second;
  double false_match_rate = 1e-4;
  bool json = false;
  bool largest = false;
  PackChoice pack;
};

Result<int> run_compare(const CompareOptions& options, const Interrupt&) {
  const auto first = TRY(read_photo(options.first));
  const auto second = TRY(read_photo(options.second));
  const auto engine = TRY(open_engine(options.pack));
  const auto policy = TRY(gallery::MatchPolicy::create(
      engine->calibration(), {.false_match_rate = options.false_match_rate}));
  const auto choice =
      options.largest ? recognition::FaceChoice::Largest : recognition::FaceChoice::OnlyFace;
  const auto report =
      TRY(recognition::compare(first, second, *engine, policy, {.face_choice = choice}));

  const bool match = report.decision.verdict == gallery::Verdict::Match;
  if (options.json) {
    print(json::to_pretty_text(recognition::to_json(report)));
  } else {
    print(fmt::format("{}  similarity {:.3f}  ({})\n",
                      styled(match ? Style::Green : Style::Red, match ? "match" : "no match"),
                      report.similarity, threshold_text(report.decision.match_threshold)));
  }
  return match ? kExitDone : kExitNoMatch;
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
        command
            .add_option("--fmr", options.false_match_rate,
                        "How often a stranger may pass: 1e-4 is one in 10 000")
            ->type_name("RATE")
            ->capture_default_str();
        command.add_flag("--largest", options.largest,
                         "Take the largest face where a photo has several (else an error)");
        add_json_option(command, options.json);
        add_pack_options(command, options.pack);
        set_examples(command,
                     "  faceforge compare passport.jpg selfie.jpg && echo same person\n"
                     "  faceforge compare a.jpg b.jpg --fmr 1e-5 --json\n"
                     "Exit code: 0 match, 1 no match, 2 or more an error.");
      },
      run_compare);
}

}  // namespace faceforge::cli
