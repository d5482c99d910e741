#include "cli/command.h"
#include "cli/console.h"
#include "cli/evaluate_photos_command.h"
#include "cli/evaluation.h"
#include "cli/exit_code.h"
#include "cli/pack_choice.h"
#include "cli/photo_notes.h"
#include "cli/supervision.h"
#include "cli/text.h"
#include "evaluate/calibrate.h"
#include "evaluate/evaluation_json.h"
#include "evaluate/pair_list.h"
#include "evaluate/pairs_protocol.h"
#include "evaluate/report_text.h"
#include "evaluate/unseen_people.h"
#include "packs/card.h"

namespace faceforge::cli {
namespace {

struct PairsOptions {
  std::string images;
  std::string pairs;
  std::string protocol;
  bool leaves_out_trained = false;
  bool json = false;
  PackChoice pack;
};

struct CalibrateOptions {
  std::string images;
  std::string excluded_pairs;
  std::string card_folder;
  bool write_card = false;
  bool leaves_out_trained = false;
  bool json = false;
  PackChoice pack;
};

/// The pack whose card is written to: as the user named it, or the one that was best.
std::string pack_measured(const PackChoice& choice, const vision::Pipeline& pipeline) {
  return choice.pack.empty() ? pipeline.spec().pack_id : choice.pack;
}

// --- pairs ---

json::object pairs_json(const evaluate::PairsReport& report) {
  json::object tar;
  json::object thresholds;
  for (const evaluate::OperatingPoint& point : report.metrics.operating_points) {
    const std::string rate = fmt::format("{}", point.false_match_rate);
    tar[rate] = point.true_accept_rate;
    thresholds[rate] = json::number(point.match_threshold);
  }
  json::array folds;
  for (const evaluate::FoldAccuracy& fold : report.metrics.folds) {
    folds.push_back(json::object{{"accuracy", fold.accuracy},
                                 {"match_threshold", json::number(fold.match_threshold)}});
  }
  return {
      {"pairs", report.pair_count},
      {"accuracy", report.metrics.accuracy},
      {"accuracy_std", report.metrics.accuracy_std},
      {"auc", report.metrics.auc},
      {"tar_at_fmr", tar},
      {"threshold_at_fmr", thresholds},
      {"failures_to_detect", report.failures_to_detect},
      {"images", report.photo_count},
      {"images_per_second", report.images_per_second},
      {"folds", folds},
      {"model_id", report.model_id.hex()},
      {"equal_error_rate", report.equal_error_rate},
      {"fnmr_at_fmr", evaluate::to_json(report.fnmr_at_fmr)},
      {"intervals", report.intervals ? json::value(evaluate::to_json(
                                           *report.intervals, evaluate::kReportedFalseMatchRates))
                                     : json::value(nullptr)}};
}

std::string pairs_text(const evaluate::PairsReport& report, std::string_view pack_id) {
  Table table({{"measure"}, {"value", Alignment::Right}});
  table.add_row({"pack", std::string(pack_id)});
  table.add_row({"pairs", fmt::format("{}", report.pair_count)});
  table.add_row({"accuracy", fmt::format("{:.4f} +- {:.4f}", report.metrics.accuracy,
                                         report.metrics.accuracy_std)});
  const auto& of = report.intervals;  // 95 %, over people
  const auto from_to = [](const evaluate::Interval& interval) {
    return fmt::format(" ({:.4f} to {:.4f})", interval.low, interval.high);
  };
  table.add_row({"area under the ROC curve",
                 fmt::format("{:.5f}{}", report.metrics.auc, of ? from_to(of->auc) : "")});
  table.add_row(
      {"equal error rate", evaluate::rate_text(report.equal_error_rate) +
                               (of ? " " + evaluate::interval_text(of->equal_error_rate) : "")});
  for (size_t index = 0; index < report.metrics.operating_points.size(); ++index) {
    const evaluate::OperatingPoint& point = report.metrics.operating_points[index];
    table.add_row(
        {fmt::format("TAR at FMR {:g}", point.false_match_rate),
         fmt::format("{:.4f}{} (similarity {:.3f})", point.true_accept_rate,
                     of ? from_to(of->true_accept_rates[index]) : "", point.match_threshold)});
  }
  table.add_row({"photos without a face",
                 fmt::format("{} of {}", report.failures_to_detect, report.photo_count)});
  table.add_row({"photos a second", fmt::format("{:.1f}", report.images_per_second)});
  return table.to_text();
}

Result<int> run_pairs(const PairsOptions& options, const Interrupt& interrupt) {
  auto list = TRY(evaluate::read_pair_list(options.pairs));
  const auto seen = TRY(
      trained_people_left_out(options.pack, evaluate::people_of(list), options.leaves_out_trained));
  list = evaluate::without(std::move(list), seen);
  const auto pipeline = TRY(open_pipeline(options.pack));
  ProgressBar bar("photos");
  const auto report = TRY(
      evaluate::evaluate_pairs(*pipeline, options.images, list, supervision_of(bar, interrupt)));
  bar.hide();
  json::object written = pairs_json(report);
  if (!options.protocol.empty()) {
    const packs::Registry registry = TRY(registry_of(options.pack.data_folder));
    const auto card =
        TRY(registry.store_accuracy(pack_measured(options.pack, *pipeline), report.model_id,
                                    {.protocol = options.protocol,
                                     .accuracy = report.metrics.accuracy,
                                     .accuracy_std = report.metrics.accuracy_std}));
    written["card"] = card.string();
    note(fmt::format("written into {}\n", to_printable(card.string())));
  }
  print(options.json ? json::to_pretty_text(written)
                     : pairs_text(report, pipeline->spec().pack_id));
  return kExitDone;
}

void declare_pairs(CLI::App& command, PairsOptions& options) {
  command.add_option("--images", options.images, "A folder of PERSON/PERSON_0001.jpg")
      ->required()
      ->type_name("DIR");
  command.add_option("--pairs", options.pairs, "The list, in the format of LFW's pairs.txt")
      ->required()
      ->type_name("PAIRS.txt");
  CLI::Option* write_card =
      command
          .add_option(
              "--write-card", options.protocol,
              "Store the accuracy in the pack's card, as measured by this protocol: lfw-view2 "
              "is LFW's own list. Packs of one protocol are ranked by it")
          ->type_name("PROTOCOL");
  add_leave_out_trained_option(command, options.leaves_out_trained);
  write_card->excludes("--leave-out-trained");  // it would rank the pack by other pairs
  add_json_option(command, options.json);
  add_pack_options(command, options.pack);
  set_examples(command,
               "  faceforge evaluate pairs --images lfw/ --pairs pairs.txt --json\n"
               "  faceforge evaluate pairs --images lfw/ --pairs pairs.txt --pack mine-int8 "
               "--write-card lfw-view2");
}

// --- calibrate ---

/// Of a measured rate, over the pairs as if they were independent.
evaluate::Interval interval_of(const evaluate::MeasuredRate& rate,
                               const evaluate::CalibrationReport& report) {
  return evaluate::binomial_interval(rate.error_count, report.calibration.impostor_pair_count);
}

json::object calibration_json(const evaluate::CalibrationReport& report) {
  json::array points;
  for (const evaluate::MeasuredRate& rate : report.rates) {
    points.push_back(json::object{{"false_match_rate", rate.false_match_rate},
                                  {"match_threshold", json::number(rate.match_threshold)},
                                  {"errors", rate.error_count},
                                  {"interval", evaluate::to_json(interval_of(rate, report))}});
  }
  json::array look_alikes;
  for (const evaluate::LookAlike& pair : report.look_alikes) {
    look_alikes.push_back(json::object{{"first", pair.first_photo},
                                       {"second", pair.second_photo},
                                       {"similarity", json::number(pair.similarity)}});
  }
  const face::Calibration& calibration = report.calibration;
  return {{"model_id", calibration.model_id.hex()},
          {"people", report.person_count},
          {"images", report.photo_count},
          {"impostor_pairs", calibration.impostor_pair_count},
          {"points", points},
          {"tail", json::object{{"intercept", calibration.tail_intercept},
                                {"slope", calibration.tail_slope},
                                {"curvature", calibration.tail_curvature}}},
          {"ambiguity_margin", json::number(calibration.ambiguity_margin)},
          {"own_similarity", json::object{{"count", report.own_similarity_count},
                                          {"mean", report.own_similarity_mean}}},
          {"failures_to_detect", names_json(report.faceless)},
          {"unusable", names_json(report.unusable)},
          {"look_alikes", look_alikes}};
}

std::string calibration_text(const evaluate::CalibrationReport& report) {
  const face::Calibration& calibration = report.calibration;
  std::string text =
      fmt::format("{} impostor pairs of {} photos of {} people ({} photos without a face)\n",
                  calibration.impostor_pair_count, report.photo_count, report.person_count,
                  report.faceless.size());
  constexpr auto kRight = Alignment::Right;
  Table rates({{"false match rate", kRight},
               {"threshold", kRight},
               {"errors", kRight},
               {"95 % interval", kRight}});
  for (const evaluate::MeasuredRate& rate : report.rates) {
    const evaluate::Interval interval = interval_of(rate, report);
    rates.add_row({fmt::format("{:g}", rate.false_match_rate),
                   fmt::format("{:.4f}", rate.match_threshold), fmt::format("{}", rate.error_count),
                   fmt::format("{:.3g} to {:.3g}", interval.low, interval.high)});
  }
  text += rates.to_text(2);
  text += fmt::format(
      "Beyond: ln FMR = {:.3f} {:+.3f} t {:+.3f} t^2 (extrapolated)\n"
      "Ambiguity margin {:.3f}, from {} similarities to the own template with mean {:.3f}\n"
      "The most similar strangers; look whether they are really two people:\n",
      calibration.tail_intercept, calibration.tail_slope, calibration.tail_curvature,
      calibration.ambiguity_margin, report.own_similarity_count, report.own_similarity_mean);
  Table alike({{"similarity", kRight}, {"photo"}, {"photo"}});
  for (const evaluate::LookAlike& pair : report.look_alikes) {
    alike.add_row({fmt::format("{:.3f}", pair.similarity), pair.first_photo, pair.second_photo});
  }
  return text + alike.to_text(2);
}

/// Where the calibration went: the pack's own card, or one in a folder of cards.
Result<std::filesystem::path> store(const face::Calibration& calibration,
                                    const CalibrateOptions& options,
                                    const vision::Pipeline& pipeline) {
  if (options.card_folder.empty()) {
    const packs::Registry registry = TRY(registry_of(options.pack.data_folder));
    return registry.store_calibration(pack_measured(options.pack, pipeline), calibration);
  }
  TRY(packs::write_calibration(calibration, options.card_folder));
  return std::filesystem::path(options.card_folder) / packs::kCardFileName;
}

Result<int> run_calibrate(const CalibrateOptions& options, const Interrupt& interrupt) {
  auto excluded = TRY(excluded_people(options.excluded_pairs));
  const auto people = TRY(evaluate::list_people(options.images, excluded));
  const std::set<std::string> names(people.people.begin(), people.people.end());
  excluded.merge(TRY(trained_people_left_out(options.pack, names, options.leaves_out_trained)));
  const auto pipeline = TRY(open_pipeline(options.pack));
  ProgressBar bar("photos");
  const auto report = TRY(evaluate::calibrate_folder(*pipeline, options.images, excluded,
                                                     supervision_of(bar, interrupt)));
  bar.hide();
  TRY(interrupt.check());
  json::object written = calibration_json(report);
  if (options.write_card || !options.card_folder.empty()) {
    const auto card = TRY(store(report.calibration, options, *pipeline));
    written["card"] = card.string();
    note(fmt::format("written into {}\n", to_printable(card.string())));
  }
  print(options.json ? json::to_pretty_text(written) : calibration_text(report));
  note_photos(report.unusable);
  return report.unusable.empty() ? kExitDone : kExitSomeFailed;
}

void declare_calibrate(CLI::App& command, CalibrateOptions& options) {
  command
      .add_option("--images", options.images,
                  "A folder of PERSON/PHOTO; two photos of two people are an impostor pair")
      ->required()
      ->type_name("DIR");
  add_exclude_pairs_option(command, options.excluded_pairs);
  add_leave_out_trained_option(command, options.leaves_out_trained);
  command.add_flag("--write-card", options.write_card,
                   "Store the calibration in the pack's card: thresholds come from it");
  command
      .add_option("--card-folder", options.card_folder,
                  "Store it in the card.json of this folder instead")
      ->type_name("DIR");
  add_json_option(command, options.json);
  add_pack_options(command, options.pack);
  set_examples(command,
               "  faceforge evaluate calibrate --images lfw/ --exclude-pairs pairs.txt\n"
               "  faceforge evaluate calibrate --images people/ --write-card --pack mine");
}

}  // namespace

void add_evaluate_command(CLI::App& app, Chosen& chosen) {
  CLI::App* evaluate = app.add_subcommand("evaluate", "Measure and calibrate a model pack");
  evaluate->require_subcommand(1);
  set_examples(*evaluate,
               "  faceforge evaluate pairs --images lfw/ --pairs pairs.txt\n"
               "  faceforge evaluate calibrate --images people/");
  add_command<PairsOptions>(*evaluate, chosen, "pairs",
                            "Measure accuracy on a list of pairs (LFW's protocol)", declare_pairs,
                            run_pairs);
  add_command<CalibrateOptions>(*evaluate, chosen, "calibrate",
                                "Measure how similar strangers are, for the thresholds",
                                declare_calibrate, run_calibrate);
  add_evaluate_photos_commands(*evaluate, chosen);
  add_evaluate_compare_command(*evaluate, chosen);
}

}  // namespace faceforge::cli
