#include "cli/command.h"
#include "cli/console.h"
#include "cli/decision_text.h"
#include "cli/pack_choice.h"
#include "cli/photo_list.h"
#include "cli/photo_run.h"
#include "cli/text.h"
#include "gallery/model_file.h"
#include "gallery/snapshot.h"
#include "recognition/identify.h"
#include "recognition/report_json.h"

namespace faceforge::cli {
namespace {

struct IdentifyCommandOptions {
  std::string gallery;
  std::vector<std::string> images;
  double false_positive_identification_rate = 1e-2;
  size_t candidate_count = 5;
  bool json = false;
  PackChoice pack;
};

std::string candidates_text(const recognition::IdentifiedFace& face) {
  if (face.too_small) return "  too small to tell\n";
  Table table({{"nearest"},
               {"similarity", Alignment::Right},
               {"most like the photo"},
               {"similarity", Alignment::Right}});
  for (const gallery::Candidate& candidate : face.candidates) {
    table.add_row({candidate.person, fmt::format("{:.3f}", candidate.similarity),
                   candidate.reference.value_or("-"),
                   candidate.reference_similarity
                       ? fmt::format("{:.3f}", *candidate.reference_similarity)
                       : "-"});
  }
  return table.to_text(4);
}

std::string report_text(const std::filesystem::path& file,
                        const recognition::IdentifyReport& report) {
  std::string text = styled(Style::Bold, to_printable(file.string()));
  text += report.faces.empty() ? "  no face\n" : "\n";
  for (const recognition::IdentifiedFace& face : report.faces) {
    const face::BoundingBox& box = face.face.box;
    const bool named = face.decision.verdict == gallery::Verdict::Match;
    text += fmt::format(
        "  {}{}  {:.0f}x{:.0f} at {:.0f},{:.0f}  ({})\n", verdict_text(face.decision.verdict),
        named ? " " + to_printable(face.candidates.front().person) : "", box.width, box.height,
        box.x, box.y,
        identification_text(face.decision.match_threshold,
                            report.false_positive_identification_rate, report.person_count));
    if (face.too_small || !face.candidates.empty()) text += candidates_text(face);
  }
  return text;
}

Result<int> run_identify(const IdentifyCommandOptions& options, const Interrupt& interrupt) {
  const auto files = TRY(list_photos(options.images));
  const auto model = TRY(gallery::read_model_file(options.gallery));
  const auto engine = TRY(open_engine_for_model(options.pack, model.pack_id));
  TRY(check_same_model(model, *engine));
  const gallery::Snapshot snapshot(model);
  const auto policy = TRY(gallery::MatchPolicy::create(
      snapshot.calibration_beside(engine->calibration()),
      {.false_positive_identification_rate = options.false_positive_identification_rate}));

  const auto identify =
      [&](const std::filesystem::path& file) -> Result<recognition::IdentifyReport> {
    const auto bytes = TRY(read_photo(file));
    return recognition::identify(bytes, snapshot, *engine, policy,
                                 {.candidate_count = options.candidate_count});
  };
  const auto as_json = [](const recognition::IdentifyReport& report) {
    return recognition::to_json(report);
  };
  return print_over_photos(files, interrupt, options.json ? OutputForm::Json : OutputForm::Text,
                           identify, as_json, report_text)
      .exit_code();
}

}  // namespace

void add_identify_command(CLI::App& app, Chosen& chosen) {
  add_command<IdentifyCommandOptions>(
      app, chosen, "identify", "Name the people in photos",
      [](CLI::App& command, IdentifyCommandOptions& options) {
        command.add_option("--gallery", options.gallery, "Who is known: a gallery model")
            ->required()
            ->type_name("MODEL.ffg");
        command.add_option("IMAGE", options.images, "Photos, or folders of photos")
            ->required()
            ->type_name("FILE");
        command.add_option("--top", options.candidate_count, "How many nearest people to show")
            ->type_name("K")
            ->check(CLI::Range(size_t{1}, gallery::Snapshot::kMaxCandidates))
            ->capture_default_str();
        command
            .add_option("--fpir", options.false_positive_identification_rate,
                        "How often a stranger may be taken for anyone of the gallery")
            ->type_name("RATE")
            ->capture_default_str();
        add_json_option(command, options.json);
        add_pack_options(command, options.pack);
        command.get_option("--pack")->default_str("the gallery's");
        set_examples(command,
                     "  faceforge identify --gallery staff.ffg door.jpg\n"
                     "  faceforge identify --gallery staff.ffg --fpir 1e-3 --json frames/");
      },
      run_identify);
}

}  // namespace faceforge::cli
