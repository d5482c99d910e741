#include "cli/packs_combine_command.h"

#include "cli/command.h"
#include "cli/console.h"
#include "cli/evaluation.h"
#include "cli/exit_code.h"
#include "cli/pack_choice.h"
#include "cli/photo_notes.h"
#include "cli/supervision.h"
#include "cli/text.h"
#include "evaluate/fusion.h"
#include "packs/combine.h"

namespace faceforge::cli {
namespace {

struct CombineOptions {
  std::string first;
  std::string second;
  std::string output;
  std::string range_photos;
  std::string excluded_pairs;
  bool json = false;
  std::string data_folder;
};

json::object report_json(const evaluate::FusionReport& report, const packs::Card& card) {
  json::array embedders;
  for (size_t index = 0; index < report.embedders.size(); ++index) {
    const evaluate::FusedEmbedder& embedder = report.embedders[index];
    embedders.push_back(
        json::object{{"file", card.embedders[index].file.generic_string()},
                     {"weight", json::number(embedder.weight)},
                     {"centred", !embedder.output_mean.empty()},
                     {"impostor_mean", embedder.impostor_mean},
                     {"impostor_standard_deviation", embedder.impostor_standard_deviation},
                     {"genuine_mean", embedder.genuine_mean}});
  }
  const auto model_id = packs::model_id(card);
  return {{"id", card.id},
          {"model_id", model_id ? json::value(model_id->hex()) : json::value(nullptr)},
          {"metric", face::to_string(card.metric)},
          {"embedding_length", vision::embedding_length(card.embedders)},
          {"images", report.photo_count},
          {"impostor_pairs", report.impostor_pair_count},
          {"genuine_pairs", report.genuine_pair_count},
          {"failures_to_detect", report.faceless.size()},
          {"unusable", report.unusable.size()},
          {"embedders", embedders}};
}

std::string report_text(const evaluate::FusionReport& report, const packs::Card& card,
                        const std::string& folder) {
  std::string text = fmt::format(
      "{} photos, {} pairs of strangers, {} of one person; squared distances, not weighted:\n",
      report.photo_count, report.impostor_pair_count, report.genuine_pair_count);
  constexpr auto kRight = Alignment::Right;
  Table table({{"embedder"},
               {"strangers", kRight},
               {"deviation", kRight},
               {"one person", kRight},
               {"weight", kRight}});
  for (size_t index = 0; index < report.embedders.size(); ++index) {
    const evaluate::FusedEmbedder& embedder = report.embedders[index];
    table.add_row(
        {card.embedders[index].file.filename().string(),
         fmt::format("{:.3f}", embedder.impostor_mean),
         fmt::format("{:.3f}", embedder.impostor_standard_deviation),
         report.genuine_pair_count > 0 ? fmt::format("{:.3f}", embedder.genuine_mean) : "-",
         fmt::format("{:.4f}", embedder.weight)});
  }
  text += table.to_text(2);
  text += fmt::format(
      "{} written: embeddings of {} numbers, compared by {}.\n"
      "It promises nothing before it is calibrated:\n"
      "  faceforge evaluate calibrate --pack {} --card-folder {} --images DIR\n",
      to_printable(folder), vision::embedding_length(card.embedders), face::to_string(card.metric),
      to_printable(folder), to_printable(folder));
  return text;
}

Result<int> run_combine(const CombineOptions& options, const Interrupt& interrupt) {
  const auto excluded = TRY(excluded_people(options.excluded_pairs));
  const packs::Registry registry = TRY(registry_of(options.data_folder));
  const auto first = TRY(registry.info(options.first));
  const auto second = TRY(registry.info(options.second));
  std::filesystem::path folder(options.output);
  if (!folder.has_filename()) folder = folder.parent_path();  // "mine/"
  const auto combination = TRY(packs::plan_combination(first, second, folder.filename().string()));
  ProgressBar bar("photos");
  const auto report = TRY(evaluate::fit_fusion_folder(combination.spec, options.range_photos,
                                                      excluded, supervision_of(bar, interrupt)));
  bar.hide();
  TRY(interrupt.check());
  std::vector<packs::EmbedderFit> fits;
  for (const evaluate::FusedEmbedder& embedder : report.embedders) {
    fits.push_back({embedder.output_mean, embedder.weight});
  }
  const auto card = TRY(packs::write_combination(combination, fits, report.metric, folder));
  print(options.json ? json::to_pretty_text(report_json(report, card))
                     : report_text(report, card, folder.string()));
  note_photos(report.unusable);
  return report.unusable.empty() ? kExitDone : kExitSomeFailed;
}

void declare_combine(CLI::App& command, CombineOptions& options) {
  command
      .add_option("FIRST", options.first,
                  "The pack whose detector finds and aligns the faces: an id or a folder")
      ->required()
      ->type_name("ID|DIR");
  command.add_option("SECOND", options.second, "The pack whose embedder looks at them too")
      ->required()
      ->type_name("ID|DIR");
  command
      .add_option("-o,--output", options.output, "The folder of the new pack, whose name is its id")
      ->required()
      ->type_name("DIR");
  command
      .add_option(
          "--range-photos", options.range_photos,
          "A folder of PERSON/PHOTO; its strangers say how far apart each embedder puts them")
      ->required()
      ->type_name("DIR");
  add_exclude_pairs_option(command, options.excluded_pairs);
  add_json_option(command, options.json);
  add_data_option(command, options.data_folder);
  set_examples(command,
               "  faceforge packs combine faceapi mine -o packs/both --range-photos people/\n"
               "  faceforge packs combine A B -o C --range-photos lfw/ --exclude-pairs pairs.txt");
}

}  // namespace

void add_packs_combine_command(CLI::App& packs, Chosen& chosen) {
  add_command<CombineOptions>(packs, chosen, "combine",
                              "Put the embedders of two packs together, as one pack",
                              declare_combine, run_combine);
}

}  // namespace faceforge::cli
