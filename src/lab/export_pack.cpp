#include "lab/export_pack.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/sha256.h"
#include "evaluate/unseen_people.h"
#include "lab/network_graph.h"
#include "nn/network.h"
#include "packs/new_pack.h"
#include "vision/pipeline.h"

namespace faceforge::lab {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTrainedPeopleFile = "trained_people.txt";
constexpr float kPixelMiddle = 127.5F;  // pictures are learnt from as (byte - 127.5) / 127.5

/// The same standard face in a crop of another size.
vision::LandmarkTemplate scaled(vision::LandmarkTemplate own, int side_px) {
  if (own.side_px == side_px) return own;
  const float factor = static_cast<float>(side_px) / static_cast<float>(own.side_px);
  for (face::Point& point : own.points) point = {.x = point.x * factor, .y = point.y * factor};
  own.name += fmt::format("_at_{}", side_px);
  own.side_px = side_px;
  return own;
}

/// The files of a pack but those of its embedders alone.
std::vector<packs::PackFile> files_beside_embedders(const packs::Card& card) {
  std::vector<packs::PackFile> kept;
  std::ranges::copy_if(card.files, std::back_inserter(kept), [&](const packs::PackFile& file) {
    const auto is = [&](const auto& network) { return network.file.generic_string() == file.path; };
    return is(card.detector) || (card.contour && is(*card.contour)) ||
           std::ranges::any_of(card.liveness, is);
  });
  return kept;
}

/// `NAME.onnx`, or a name like it that no file of the card has.
std::string free_name(const std::string& name, const std::vector<packs::PackFile>& files) {
  std::string path = name + ".onnx";
  for (int number = 2; std::ranges::find(files, path, &packs::PackFile::path) != files.end();
       ++number) {
    path = fmt::format("{}_{}.onnx", name, number);
  }
  return path;
}

Result<packs::Licence> licence_of(const ExportRequest& request) {
  const packs::Licence& theirs = request.detector_pack.card.licence;
  if (request.licence_kind == packs::LicenceKind::Permissive &&
      theirs.kind != packs::LicenceKind::Permissive) {
    return fail(ErrorCode::Forbidden, "licence_not_permissive",
                "the licence of the detector's pack {} ({}) allows no commercial use, so the new "
                "pack cannot",
                request.detector_pack.card.id, theirs.label);
  }
  return packs::Licence{
      .label = "own network AND " + theirs.label,
      .kind = request.licence_kind,
      .text =
          "The embedding network was trained on photos of its owner's, whose terms hold for "
          "it. The detector's licence:\n" +
          theirs.text,
      .url = theirs.url};
}

/// The new pack's card, but for what is known of the network's file once it is written.
Result<packs::Card> plan_card(const ExportRequest& request, const Checkpoint& checkpoint) {
  const packs::Card& theirs = request.detector_pack.card;
  const std::string network(train::to_string(checkpoint.network().kind));
  packs::Card card = theirs;
  card.id = request.output.filename().string();
  card.name = fmt::format("{} trained here, with the detector of {}", network, theirs.id);
  card.licence = TRY(licence_of(request));
  card.source = {
      .kind = packs::SourceKind::None,
      .note = fmt::format("Made by `faceforge export` after {} steps.", checkpoint.step())};
  card.files = files_beside_embedders(theirs);
  vision::EmbedderSpec embedder{
      .file = free_name(network, card.files),
      .input = {.channel_order = vision::ChannelOrder::Rgb,
                .mean = {kPixelMiddle, kPixelMiddle, kPixelMiddle},
                .scale = {kPixelMiddle, kPixelMiddle, kPixelMiddle}},
      .landmark_template =
          scaled(theirs.embedders.front().landmark_template, checkpoint.crop_side_px()),
      .output_length = static_cast<int>(checkpoint.network().embedding_length)};
  card.files.push_back({.path = embedder.file.generic_string()});
  card.embedders = {std::move(embedder)};
  card.files.push_back({.path = std::string(kTrainedPeopleFile)});
  card.trained_people = {
      {.path = std::string(kTrainedPeopleFile), .salt = checkpoint.trained_people().salt()}};
  card.metric = face::Metric::Cosine;
  card.measured_accuracy.reset();
  card.calibration.reset();
  card.quantization.reset();
  if (checkpoint.trained_people().count() > crops::kMaxTrainedPeople) {
    return fail(ErrorCode::TooLarge, "too_many_trained_people",
                "the network was trained on {} people; a pack can name {}",
                checkpoint.trained_people().count(), crops::kMaxTrainedPeople);
  }
  return packs::parse_card(packs::to_text(card));
}

/// Runs the network on black and on grey, as weights may be finite and their products not.
Result<void> check_answers(std::span<const std::byte> onnx, int side_px) {
  const nn::Network network = TRY(nn::Network::parse(onnx));
  nn::Tensor pictures{.shape = {2, 3, side_px, side_px}, .values = {}};
  const size_t numbers_each = size_t{3} * static_cast<size_t>(side_px * side_px);
  pictures.values.assign(numbers_each, -1);
  pictures.values.resize(2 * numbers_each, 0);
  const std::vector<nn::Tensor> answers = TRY(network.run(pictures));
  for (const float number : answers.front().values) {
    if (std::isfinite(number)) continue;
    return fail(ErrorCode::Corrupt, "network_not_finite",
                "the network answers with what is no number: its run has come apart, and an "
                "earlier checkpoint may be whole");
  }
  return {};
}

/// Writes a file of the new pack, and what its card says of it.
Result<void> write_file(std::span<const std::byte> contents, const std::string& path,
                        const packs::NewPack& pack, packs::Card& card) {
  const auto listed = std::ranges::find(card.files, path, &packs::PackFile::path);
  listed->sha256 = to_hex(sha256(contents));
  listed->size_bytes = static_cast<int64_t>(contents.size());
  return pack.write_in(contents, path);
}

/// Writes whom the network was trained on, then the network itself.
Result<void> write_embedder(const Checkpoint& checkpoint, const packs::NewPack& pack,
                            packs::Card& card) {
  const std::string people = crops::to_hash_lines(checkpoint.trained_people());
  TRY(write_file(std::as_bytes(std::span(people)), std::string(kTrainedPeopleFile), pack, card));
  const int side_px = checkpoint.crop_side_px();
  const std::vector<std::byte> onnx =
      TRY(write_network(checkpoint.network(), side_px, checkpoint.weights()));
  TRY(check_answers(onnx, side_px));
  return write_file(onnx, card.embedders.front().file.generic_string(), pack, card);
}

/// Refuses what calibration would refuse, before any work: too few people, and those trained on.
Result<void> check_calibration_people(const ExportRequest& request, const Checkpoint& checkpoint) {
  const auto people =
      TRY(evaluate::list_people(request.calibration_people, request.excluded_people));
  const std::set<std::string> names(people.people.begin(), people.people.end());
  TRY(evaluate::require_unseen({&checkpoint.trained_people(), 1}, names, "the network"));
  return evaluate::check_enough_people(people);
}

Result<evaluate::CalibrationReport> calibrate(const ExportRequest& request, const packs::Card& card,
                                              const packs::NewPack& pack) {
  const auto pipeline = TRY(vision::Pipeline::load(packs::pipeline_spec(card, pack.staging())));
  auto report = TRY(evaluate::calibrate_folder(*pipeline, request.calibration_people,
                                               request.excluded_people, request.calibrating));
  if (request.calibrating.stop.stop_requested()) {
    return fail(ErrorCode::Cancelled, "cancelled", "stopped before the pack was written");
  }
  return report;
}

}  // namespace

Result<ExportReport> export_pack(const ExportRequest& request) {
  const Checkpoint checkpoint = TRY(Checkpoint::read(request.checkpoint));
  const bool is_calibrated = !request.calibration_people.empty();
  if (is_calibrated) TRY(check_calibration_people(request, checkpoint));
  packs::Card card = TRY(plan_card(request, checkpoint));
  packs::NewPack pack = TRY(packs::NewPack::create(request.output));
  for (const packs::PackFile& file : files_beside_embedders(request.detector_pack.card)) {
    TRY(pack.copy_in(request.detector_pack.folder / file.path, file.path));
  }
  TRY(write_embedder(checkpoint, pack, card));
  ExportReport report{.network = checkpoint.network(),
                      .step = checkpoint.step(),
                      .weight_kind = checkpoint.weight_kind()};
  if (is_calibrated) {
    report.calibration = TRY(calibrate(request, card, pack));
    card.calibration = report.calibration->calibration;
  }
  report.card = TRY(pack.finish(card));
  return report;
}

}  // namespace faceforge::lab
