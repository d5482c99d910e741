#include "evaluate/quantize_pack.h"

#include <algorithm>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/sha256.h"
#include "evaluate/unseen_people.h"
#include "packs/new_pack.h"
#include "packs/trained_people.h"

namespace faceforge::evaluate {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestName_bytes = 120;

/// The name of a network on bytes, beside the card's other files.
std::string quantized_name(const std::string& path, const packs::Card& card) {
  const fs::path parent(path);
  for (int number = 1;; ++number) {
    const std::string suffix = number == 1 ? "_int8" : fmt::format("_int8_{}", number);
    const std::string name =
        (parent.parent_path() / (parent.stem().string() + suffix + parent.extension().string()))
            .generic_string();
    if (std::ranges::find(card.files, name, &packs::PackFile::path) == card.files.end()) {
      return name;
    }
  }
}

/// The card's path of a network's file.
std::string card_path(const QuantizePackRequest& request, const QuantizedNetwork& network) {
  const packs::Card& card = request.parent.card;
  const vision::PipelineSpec& spec = request.parent_spec;
  if (network.kind == NetworkKind::Detector) return card.detector.file.generic_string();
  const auto embedder =
      std::ranges::find(spec.embedders, network.file, &vision::EmbedderSpec::file);
  CHECK(embedder != spec.embedders.end());
  return card.embedders[static_cast<size_t>(embedder - spec.embedders.begin())]
      .file.generic_string();
}

/// Has a card name another file in the place of one.
void rename_file(packs::Card& card, const std::string& from, const std::string& to) {
  const auto rename = [&](fs::path& file) {
    if (file.generic_string() == from) file = to;
  };
  rename(card.detector.file);
  for (vision::EmbedderSpec& embedder : card.embedders) rename(embedder.file);
}

packs::Quantization record_of(const QuantizePackRequest& request,
                              const QuantizedNetworks& quantized) {
  packs::Quantization record{
      .parent_id = request.parent.card.id,
      .parent_model_id = request.parent_spec.model_id,
      .parent_accuracy = request.parent.card.measured_accuracy,
      .faceforge_version = request.faceforge_version,
      .range_photo_count = static_cast<int>(quantized.observed_photo_count),
      .held_out_photo_count = static_cast<int>(quantized.held_out_photo_count),
      .mean_cosine = 1,
      .networks = {}};
  for (const QuantizedNetwork& network : quantized.networks) {
    if (network.kind == NetworkKind::Embedder) {
      record.mean_cosine = std::min(record.mean_cosine, network.mean_cosine);
    }
  }
  return record;
}

packs::NetworkQuantization network_record(const QuantizedNetwork& network,
                                          const std::string& file) {
  packs::NetworkQuantization record{.file = file,
                                    .range_method = network.choice.method,
                                    .layer_count = static_cast<int>(network.choice.layers.size()),
                                    .float_layers = {},
                                    .mean_cosine = network.mean_cosine};
  for (size_t index = 0; index < network.choice.layers.size(); ++index) {
    if (!network.choice.layers[index].is_on_bytes) {
      record.float_layers.push_back(layer_label(network.choice, index));
    }
  }
  return record;
}

/// Puts the networks into the new pack, and gives the card that names them.
Result<packs::Card> write_networks(const QuantizePackRequest& request,
                                   const QuantizedNetworks& quantized, const packs::NewPack& pack) {
  packs::Card card = request.parent.card;
  card.id = request.output.filename().string();
  card.name = fmt::format("{} on bytes", request.parent.card.id);
  card.source = {
      .kind = packs::SourceKind::None,
      .note = fmt::format("Made by `faceforge packs quantize {}`.", request.parent.card.id)};
  card.measured_accuracy.reset();
  card.calibration.reset();
  card.quantization = record_of(request, quantized);
  for (const packs::PackFile& file : request.parent.card.files) {
    const auto network = std::ranges::find_if(quantized.networks, [&](const QuantizedNetwork& one) {
      return !one.choice.onnx.empty() && card_path(request, one) == file.path;
    });
    if (network == quantized.networks.end()) {
      TRY(pack.copy_in(request.parent.folder / file.path, file.path));
      continue;
    }
    const std::span<const std::byte> onnx = network->choice.onnx;
    const std::string name = quantized_name(file.path, request.parent.card);
    TRY(pack.write_in(onnx, name));
    rename_file(card, file.path, name);
    const auto listed = std::ranges::find(card.files, file.path, &packs::PackFile::path);
    *listed = {.path = name,
               .sha256 = to_hex(sha256(onnx)),
               .size_bytes = static_cast<int64_t>(onnx.size())};
    card.quantization->networks.push_back(network_record(*network, name));
  }
  return card;
}

}  // namespace

std::string layer_label(const LayerChoice& choice, size_t layer_index) {
  const nn::QuantizableLayer& layer = choice.layers.at(layer_index).layer;
  const bool is_plain = std::ranges::all_of(
      layer.name, [](char character) { return character > ' ' && character < 0x7F; });
  if (is_plain && !layer.name.empty() && layer.name.size() <= kLongestName_bytes) {
    return layer.name;
  }
  return fmt::format("{} {}", layer.op_type, layer_index);
}

Result<QuantizePackReport> quantize_pack(const QuantizePackRequest& request,
                                         const BeginPhase& begin_phase) {
  if (request.parent.card.quantization) {
    return fail(ErrorCode::InvalidInput, "already_quantized",
                "the pack {} is quantized already, from {}", request.parent.card.id,
                request.parent.card.quantization->parent_id);
  }
  packs::Card planned = request.parent.card;
  planned.id = request.output.filename().string();
  if (const auto parsed = packs::parse_card(packs::to_text(planned)); !parsed) {
    Error error = parsed.error();
    error.message =
        fmt::format("a folder of the name `{}` makes no pack: {}", planned.id, error.message);
    return Unexpected(std::move(error));
  }
  const RangePhotos photos =
      TRY(split_range_photos(request.range_photos, request.excluded_people, request.seed));
  const auto people = TRY(list_people(request.calibration_people, request.excluded_people));
  TRY(check_enough_people(people));
  const auto trained = TRY(packs::read_trained_people(request.parent));
  const std::set<std::string> names(people.people.begin(), people.people.end());
  TRY(require_unseen(trained, names, request.parent.card.id));
  packs::NewPack pack = TRY(packs::NewPack::create(request.output));
  QuantizePackReport report;
  report.quantized =
      TRY(quantize_networks(request.parent_spec, photos, pack.staging(), begin_phase));
  packs::Card card = TRY(write_networks(request, report.quantized, pack));
  const auto pipeline = TRY(vision::Pipeline::load(packs::pipeline_spec(card, pack.staging())));
  const Supervision calibrating = begin_phase("calibration");
  report.calibration = TRY(calibrate_folder(*pipeline, request.calibration_people,
                                            request.excluded_people, calibrating));
  card.calibration = report.calibration.calibration;
  if (calibrating.stop.stop_requested()) {
    return fail(ErrorCode::Cancelled, "cancelled", "stopped before the pack was written");
  }
  report.card = TRY(pack.finish(card));
  return report;
}

}  // namespace faceforge::evaluate
