#include "cli/packs_quantize_command.h"

#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/evaluation.h"
#include "cli/exit_code.h"
#include "cli/pack_choice.h"
#include "cli/phase_bars.h"
#include "cli/photo_notes.h"
#include "cli/supervision.h"
#include "cli/text.h"
#include "evaluate/quantization_page.h"
#include "evaluate/quantize_pack.h"

namespace faceforge::cli {
namespace {

struct QuantizeOptions {
  std::string pack;
  std::string output;
  std::string range_photos;
  std::string calibration_people;
  std::string excluded_pairs;
  std::string page;
  bool json = false;
  std::string data_folder;
};

std::string_view kind_word(evaluate::NetworkKind kind) {
  return kind == evaluate::NetworkKind::Detector ? "detector" : "embedder";
}

// --- JSON ---

json::object agreement_json(const evaluate::DetectionAgreement& agreement) {
  return {{"faces", agreement.face_count},
          {"lost", agreement.lost_count},
          {"added", agreement.added_count},
          {"wavering", agreement.wavering_count},
          {"mean_overlap", agreement.mean_overlap},
          {"mean_score_difference", agreement.mean_score_difference},
          {"mean_landmark_distance", agreement.mean_landmark_distance}};
}

json::object network_json(const evaluate::QuantizedNetwork& network) {
  json::array methods, layers;
  for (const evaluate::JudgedMethod& judged : network.choice.methods) {
    methods.push_back(json::object{{"range_method", nn::to_string(judged.method)},
                                   {"loss", judged.all_on_bytes.loss}});
  }
  for (size_t index = 0; index < network.choice.layers.size(); ++index) {
    const evaluate::ScannedLayer& scanned = network.choice.layers[index];
    layers.push_back(json::object{{"layer", evaluate::layer_label(network.choice, index)},
                                  {"operator", scanned.layer.op_type},
                                  {"weights", scanned.layer.weight_count},
                                  {"loss", scanned.loss},
                                  {"on_bytes", scanned.is_on_bytes}});
  }
  return {{"file", network.file.filename().string()},
          {"kind", kind_word(network.kind)},
          {"range_method", nn::to_string(network.choice.method)},
          {"range_methods", std::move(methods)},
          {"mean_cosine", network.mean_cosine},
          {"agreement", network.agreement ? json::value(agreement_json(*network.agreement))
                                          : json::value(nullptr)},
          {"layers", std::move(layers)}};
}

json::object report_json(const evaluate::QuantizePackReport& report, const std::string& folder) {
  const packs::Quantization& quantization = report.card.quantization.value();
  json::array networks, unusable;
  for (const auto& network : report.quantized.networks) networks.push_back(network_json(network));
  for (const auto& photo : report.quantized.unusable) unusable.push_back(json::value(photo));
  for (const auto& photo : report.calibration.unusable) unusable.push_back(json::value(photo));
  return {{"id", report.card.id},
          {"model_id", packs::model_id(report.card).value().hex()},
          {"folder", folder},
          {"parent_id", quantization.parent_id},
          {"parent_model_id", quantization.parent_model_id.hex()},
          {"range_photos", quantization.range_photo_count},
          {"held_out_photos", quantization.held_out_photo_count},
          {"failures_to_detect", report.quantized.faceless_count},
          {"mean_cosine", quantization.mean_cosine},
          {"impostor_pairs", report.calibration.calibration.impostor_pair_count},
          {"unusable", std::move(unusable)},
          {"networks", std::move(networks)}};
}

// --- text ---

/// A bar of up to `width` columns, a column for each factor of ten over 1e-6 and parts of them.
std::string bar_of(double loss) {
  constexpr double kLeast = 1e-6;
  constexpr double kColumnsADecade = 4;
  const double decades = std::log10(std::max(loss, kLeast) / kLeast);
  std::string bar;
  for (int column = 0; column < static_cast<int>(std::lround(decades * kColumnsADecade));
       ++column) {
    bar += "\u2588";
  }
  return bar;
}

std::string network_text(const evaluate::QuantizedNetwork& network) {
  const evaluate::LayerChoice& choice = network.choice;
  const auto float_count =
      std::ranges::count(choice.layers, false, &evaluate::ScannedLayer::is_on_bytes);
  std::string text =
      fmt::format("{} ({}): {} of {} layers on bytes, mean cosine {:.4f}\n",
                  to_printable(network.file.filename().string()), kind_word(network.kind),
                  choice.layers.size() - static_cast<size_t>(float_count), choice.layers.size(),
                  network.mean_cosine);
  for (const evaluate::JudgedMethod& judged : choice.methods) {
    text += fmt::format("  {} {:<16} loses {:.5f} with all layers on bytes\n",
                        judged.method == choice.method ? "*" : " ", nn::to_string(judged.method),
                        judged.all_on_bytes.loss);
  }
  if (network.agreement) {
    const evaluate::DetectionAgreement& agreement = *network.agreement;
    text += fmt::format(
        "  of {} faces {} lost, {} added, {} wavering; overlap {:.3f}, scores {:.4f} apart, "
        "landmarks {:.2f} % of the eyes' distance\n",
        agreement.face_count, agreement.lost_count, agreement.added_count, agreement.wavering_count,
        agreement.mean_overlap, agreement.mean_score_difference,
        100 * agreement.mean_landmark_distance);
  }
  constexpr auto kRight = Alignment::Right;
  Table table({{"layer"},
               {"operator"},
               {"weights", kRight},
               {"loss alone", kRight},
               {""},
               {"logarithmic"}});
  for (size_t index = 0; index < choice.layers.size(); ++index) {
    const evaluate::ScannedLayer& scanned = choice.layers[index];
    table.add_row({evaluate::layer_label(choice, index), scanned.layer.op_type,
                   fmt::format("{}", scanned.layer.weight_count),
                   fmt::format("{:.2e}", scanned.loss), scanned.is_on_bytes ? "" : "floats",
                   bar_of(scanned.loss)});
  }
  return text + table.to_text(2);
}

std::string report_text(const evaluate::QuantizePackReport& report, const std::string& folder) {
  const packs::Quantization& quantization = report.card.quantization.value();
  std::string text = fmt::format(
      "Ranges from {} photos, judged on {} of other people ({} photos without a face)\n\n",
      quantization.range_photo_count, quantization.held_out_photo_count,
      report.quantized.faceless_count);
  for (const evaluate::QuantizedNetwork& network : report.quantized.networks) {
    text += network_text(network) + "\n";
  }
  text += fmt::format(
      "{} written: embeddings have a mean cosine of {:.4f} to those of {}; calibrated with {} "
      "impostor pairs.\nIt is a model of its own: galleries are trained again for it. To use it:\n"
      "  faceforge packs install {}\n",
      to_printable(folder), quantization.mean_cosine, to_printable(quantization.parent_id),
      report.calibration.calibration.impostor_pair_count, to_printable(folder));
  return text;
}

// --- the command ---

Result<int> run_quantize(const QuantizeOptions& options, const Interrupt& interrupt) {
  evaluate::QuantizePackRequest request;
  request.excluded_people = TRY(excluded_people(options.excluded_pairs));
  const packs::Registry registry = TRY(registry_of(options.data_folder));
  request.output = TRY(place_of_new_pack(options.output, options.data_folder));
  if (!options.page.empty()) TRY(file_to_write(options.page));
  request.parent = TRY(registry.info(options.pack));
  request.parent_spec = TRY(registry.open(options.pack));
  request.range_photos = options.range_photos;
  request.calibration_people = options.calibration_people;
  const auto report = TRY(quantize_with_progress(request, interrupt));
  if (!options.page.empty()) {
    TRY(write_file_atomically(options.page, evaluate::quantization_page(report)));
  }
  const std::string folder = request.output.string();
  print(options.json ? json::to_pretty_text(report_json(report, folder))
                     : report_text(report, folder));
  note_photos(report.quantized.unusable);
  note_photos(report.calibration.unusable);
  const bool all_usable = report.quantized.unusable.empty() && report.calibration.unusable.empty();
  return all_usable ? kExitDone : kExitSomeFailed;
}

void declare_quantize(CLI::App& command, QuantizeOptions& options) {
  command.add_option("PACK", options.pack, "The pack whose networks it is: an id or a folder")
      ->required()
      ->type_name("ID|DIR");
  command
      .add_option("-o,--output", options.output, "The folder of the new pack, whose name is its id")
      ->required()
      ->type_name("DIR");
  command
      .add_option("--range-photos", options.range_photos,
                  "A folder of PERSON/PHOTO like those that you will use: up to 128 photos show "
                  "the ranges of the networks' numbers, up to 64 of other people judge the result")
      ->required()
      ->type_name("DIR");
  command
      .add_option("--calibration-people", options.calibration_people,
                  "A folder of PERSON/PHOTO for the thresholds, as evaluate calibrate takes it")
      ->required()
      ->type_name("DIR");
  add_exclude_pairs_option(command, options.excluded_pairs);
  command
      .add_option("--report", options.page, "Write what each layer loses as a page with plots, too")
      ->type_name("FILE.html");
  add_json_option(command, options.json);
  add_data_option(command, options.data_folder);
  set_examples(command,
               "  faceforge packs quantize faceapi -o ./faceapi-int8 --range-photos people/ "
               "--calibration-people people/\n"
               "  faceforge packs quantize ./mine/ -o ./mine-int8 --range-photos lfw/ "
               "--calibration-people lfw/ --exclude-pairs pairs.txt --report scan.html");
}

}  // namespace

Result<evaluate::QuantizePackReport> quantize_with_progress(evaluate::QuantizePackRequest request,
                                                            const Interrupt& interrupt) {
  request.faceforge_version = FACEFORGE_VERSION;
  PhaseBars bars(interrupt);
  return evaluate::quantize_pack(request,
                                 [&](std::string_view phase) { return bars.begin(phase); });
}

void add_packs_quantize_command(CLI::App& packs, Chosen& chosen) {
  add_command<QuantizeOptions>(packs, chosen, "quantize",
                               "Make a pack of 8-bit networks from one of floats", declare_quantize,
                               run_quantize);
}

}  // namespace faceforge::cli
