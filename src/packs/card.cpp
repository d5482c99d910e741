#include "packs/card.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "face/calibration_json.h"
#include "face/embedding.h"
#include "nn/processor.h"
#include "packs/internal/card_measurements.h"
#include "vision/landmark_templates.h"

namespace faceforge::packs {
namespace {

template <typename Numbers>
json::array number_array(const Numbers& numbers) {
  json::array result;
  for (const auto number : numbers) result.push_back(json::number(number));
  return result;
}

json::array points_json(const std::vector<face::Point>& points) {
  json::array result;
  for (const face::Point& point : points) {
    result.push_back(json::array{json::number(point.x), json::number(point.y)});
  }
  return result;
}

std::string_view channel_order_name(vision::ChannelOrder order) {
  return order == vision::ChannelOrder::Rgb ? "rgb" : "bgr";
}

std::string_view head_name(vision::DetectorHead head) {
  switch (head) {
    case vision::DetectorHead::Retinaface:
      return "retinaface";
    case vision::DetectorHead::Scrfd:
      return "scrfd";
    case vision::DetectorHead::Yunet:
      return "yunet";
    case vision::DetectorHead::Ssd:
      return "ssd";
    case vision::DetectorHead::Blazeface:
      return "blazeface";
  }
  return "";
}

json::object input_json(const vision::InputNormalization& input) {
  return {{"channel_order", channel_order_name(input.channel_order)},
          {"mean", number_array(input.mean)},
          {"scale", number_array(input.scale)}};
}

/// By its name when it is one of the known templates, else by its points.
json::value template_json(const vision::LandmarkTemplate& own) {
  if (const auto known = vision::landmark_template(own.name)) {
    const auto same_point = [](const face::Point& a, const face::Point& b) {
      return a.x == b.x && a.y == b.y;
    };
    if (known->side_px == own.side_px && known->contour_indices == own.contour_indices &&
        std::ranges::equal(known->points, own.points, same_point)) {
      return json::value(own.name);
    }
  }
  json::object result{{"name", own.name}, {"side_px", own.side_px}};
  result["points"] = points_json(own.points);
  if (!own.contour_indices.empty()) {
    result["contour_indices"] = json::array(own.contour_indices.begin(), own.contour_indices.end());
  }
  return result;
}

json::object source_json(const Source& source) {
  json::object result{{"kind", to_string(source.kind)}, {"note", source.note}};
  if (source.kind == SourceKind::Url) {
    result["url"] = source.url;
    if (source.sha256) result["sha256"] = *source.sha256;
  }
  if (source.kind == SourceKind::Npm) {
    json::array packages;
    for (const NpmPackage& package : source.packages) {
      packages.push_back(json::object{{"name", package.name}, {"version", package.version}});
    }
    result["packages"] = std::move(packages);
  }
  return result;
}

json::array files_json(const std::vector<PackFile>& files) {
  json::array result;
  for (const PackFile& file : files) {
    json::object entry{{"path", file.path}};
    if (file.size_bytes) entry["size_bytes"] = *file.size_bytes;
    if (file.sha256) entry["sha256"] = *file.sha256;
    result.push_back(std::move(entry));
  }
  return result;
}

json::object detector_json(const vision::DetectorSpec& detector) {
  return {{"file", detector.file.generic_string()},
          {"head", head_name(detector.head)},
          {"input", input_json(detector.input)},
          {"fixed_side_px", detector.fixed_side_px},
          {"stride_multiple_px", detector.stride_multiple_px},
          {"min_detection_score", json::number(detector.min_detection_score)},
          {"overlap_limit", json::number(detector.overlap_limit)}};
}

json::object contour_json(const vision::ContourSpec& contour) {
  json::object result{{"file", contour.file.generic_string()},
                      {"input", input_json(contour.input)},
                      {"side_px", contour.side_px}};
  if (contour.mirror_averaging == vision::MirrorAveraging::On) result["mirror_averaging"] = true;
  if (contour.second_look) {
    result["second_look"] = json::object{{"side", json::number(contour.second_look->side)},
                                         {"rise", json::number(contour.second_look->rise)}};
  }
  return result;
}

json::object embedder_json(const vision::EmbedderSpec& embedder) {
  json::object result{{"file", embedder.file.generic_string()},
                      {"input", input_json(embedder.input)},
                      {"template", template_json(embedder.landmark_template)},
                      {"output_length", embedder.output_length}};
  if (embedder.mirror_averaging == vision::MirrorAveraging::On) result["mirror_averaging"] = true;
  if (!embedder.output_mean.empty()) result["output_mean"] = number_array(embedder.output_mean);
  result["normalize"] = embedder.normalization == vision::OutputNormalization::UnitLength;
  if (embedder.weight != 1) result["weight"] = json::number(embedder.weight);
  return result;
}

json::array liveness_json(const std::vector<vision::LivenessSpec>& networks) {
  json::array result;
  for (const vision::LivenessSpec& network : networks) {
    result.push_back(json::object{{"file", network.file.generic_string()},
                                  {"input", input_json(network.input)},
                                  {"side_px", network.side_px},
                                  {"box_growth", json::number(network.box_growth)},
                                  {"real_class_index", network.real_class_index}});
  }
  return result;
}

json::array trained_people_json(const std::vector<TrainedPeopleFile>& files) {
  json::array result;
  for (const TrainedPeopleFile& file : files) {
    result.push_back(json::object{{"file", file.path}, {"salt", to_hex(file.salt)}});
  }
  return result;
}

json::object card_json(const Card& card) {
  json::object result{{"card_version", 1}, {"id", card.id}, {"name", card.name}};
  result["licence"] = json::object{{"label", card.licence.label},
                                   {"kind", to_string(card.licence.kind)},
                                   {"text", card.licence.text},
                                   {"url", card.licence.url}};
  result["source"] = source_json(card.source);
  result["files"] = files_json(card.files);
  result["detector"] = detector_json(card.detector);
  result["contour"] = nullptr;
  if (card.contour) {
    result["contour"] = contour_json(*card.contour);
  }
  json::array embedders;
  for (const vision::EmbedderSpec& embedder : card.embedders) {
    embedders.push_back(embedder_json(embedder));
  }
  result["embedders"] = std::move(embedders);
  result["metric"] = face::to_string(card.metric);
  result["liveness"] = liveness_json(card.liveness);
  result["measured_accuracy"] = nullptr;
  if (card.measured_accuracy) result["measured_accuracy"] = accuracy_json(*card.measured_accuracy);
  result["calibration"] = nullptr;
  if (card.calibration) result["calibration"] = face::to_json(*card.calibration);
  if (card.quantization) result["quantization"] = quantization_json(*card.quantization);
  if (!card.trained_people.empty()) {
    result["trained_people"] = trained_people_json(card.trained_people);
  }
  return result;
}

/// Everything but the weights that moves embeddings, with the fields in this order.
std::string canonical_preprocessing(const vision::EmbedderSpec& embedder, face::Metric metric) {
  const vision::LandmarkTemplate& own = embedder.landmark_template;
  json::object result{{"channel_order", channel_order_name(embedder.input.channel_order)},
                      {"mean", number_array(embedder.input.mean)},
                      {"scale", number_array(embedder.input.scale)},
                      {"side_px", own.side_px},
                      {"points", points_json(own.points)}};
  result["contour_indices"] = json::array(own.contour_indices.begin(), own.contour_indices.end());
  result["embedding_length"] = embedder.output_length;
  result["metric"] = face::to_string(metric);
  result["distance_scale"] = json::number(embedder.weight);
  // Only where they are used, so that a plain embedder's name is what it has always been.
  const bool unit_length = embedder.normalization == vision::OutputNormalization::UnitLength;
  if (unit_length != (metric == face::Metric::Cosine)) result["normalize"] = unit_length;
  if (embedder.mirror_averaging == vision::MirrorAveraging::On) result["mirror_averaging"] = true;
  if (!embedder.output_mean.empty()) result["output_mean"] = number_array(embedder.output_mean);
  return json::to_text(result);
}

}  // namespace

std::string to_text(const Card& card) {
  return json::to_pretty_text(card_json(card));
}

Result<void> write_card(const Card& card, const std::filesystem::path& folder) {
  return write_file_atomically(folder / kCardFileName, std::string_view(to_text(card)));
}

Result<void> write_calibration(const face::Calibration& calibration,
                               const std::filesystem::path& folder) {
  Card card = TRY(read_card(folder));
  if (model_id(card) != calibration.model_id) {
    return fail(ErrorCode::Conflict, "model_mismatch",
                "the calibration is of the model {}, not of {}'s", calibration.model_id.hex(),
                card.id);
  }
  card.calibration = calibration;
  return write_card(card, folder);
}

std::optional<face::ModelId> model_id(const Card& card) {
  std::string identity = "faceforge-model-1\n";
  for (const vision::EmbedderSpec& embedder : card.embedders) {
    const auto file =
        std::ranges::find(card.files, embedder.file.generic_string(), &PackFile::path);
    if (file == card.files.end() || !file->sha256) return std::nullopt;
    identity +=
        fmt::format("{}\n{}\n", *file->sha256, canonical_preprocessing(embedder, card.metric));
  }
  return face::ModelId(to_hex(sha256(std::string_view(identity))));
}

vision::PipelineSpec pipeline_spec(const Card& card, const std::filesystem::path& folder) {
  const auto own = model_id(card);
  CHECK_MSG(own.has_value(), "a card is opened only when the sha256 of its embedders is known");
  const std::filesystem::path base = std::filesystem::absolute(folder);
  vision::PipelineSpec spec{.pack_id = card.id,
                            .model_id = *own,
                            .detector = card.detector,
                            .contour = card.contour,
                            .embedders = card.embedders,
                            .metric = card.metric,
                            .liveness = card.liveness,
                            .calibration = std::nullopt};
  spec.detector.file = base / card.detector.file;
  for (vision::EmbedderSpec& embedder : spec.embedders) embedder.file = base / embedder.file;
  if (spec.contour) spec.contour->file = base / card.contour->file;
  for (vision::LivenessSpec& network : spec.liveness) network.file = base / network.file;
  if (card.calibration && card.calibration->model_id == *own) spec.calibration = card.calibration;
  return spec;
}

Result<face::Calibration> calibration_of(const vision::PipelineSpec& spec) {
  if (!spec.calibration) {
    return fail(ErrorCode::Conflict, "pack_not_calibrated",
                "the pack {0} has no calibration table, so no false match rate can be promised: "
                "run `faceforge evaluate calibrate --pack {0} --images DIR --write-card`",
                spec.pack_id);
  }
  return *spec.calibration;
}

std::string_view to_string(LicenceKind kind) {
  return kind == LicenceKind::Permissive ? "permissive" : "non_commercial";
}

std::string_view to_string(SourceKind kind) {
  switch (kind) {
    case SourceKind::None:
      return "none";
    case SourceKind::Url:
      return "url";
    case SourceKind::Npm:
      return "npm";
  }
  return "";
}

const std::optional<MeasuredAccuracy>& known_accuracy(const Card& card) {
  const bool has_own = card.measured_accuracy.has_value() || !card.quantization;
  return has_own ? card.measured_accuracy : card.quantization->parent_accuracy;
}

bool may_stand_for_its_parent(const Card& card) {
  if (!card.quantization) return true;
  const Quantization& quantization = *card.quantization;
  if (quantization.mean_cosine < kMinQuantizedCosine) return false;
  if (!card.measured_accuracy || !quantization.parent_accuracy) return true;
  const bool is_comparable =
      card.measured_accuracy->protocol == quantization.parent_accuracy->protocol;
  const double loss = quantization.parent_accuracy->accuracy - card.measured_accuracy->accuracy;
  return !is_comparable || loss <= kMaxQuantizedAccuracyLoss + 1e-9;
}

ByteArithmetic byte_arithmetic_here() {
  return nn::bytes_are_faster() ? ByteArithmetic::Fast : ByteArithmetic::Slow;
}

bool preferred(const Card& a, const Card& b, ByteArithmetic byte_arithmetic) {
  // A key of the card alone, so that any set of packs has one order.
  const auto rank = [&](const Card& card) {
    const bool permissive = card.licence.kind == LicenceKind::Permissive;
    const bool stands = may_stand_for_its_parent(card);
    const bool as_parent = card.quantization && stands && card.quantization->parent_accuracy;
    const auto& accuracy = as_parent ? card.quantization->parent_accuracy : known_accuracy(card);
    const bool is_faster = byte_arithmetic == ByteArithmetic::Fast && stands;
    const int before_parent = !card.quantization ? 0 : is_faster ? 1 : -1;
    return std::make_tuple(permissive, accuracy ? accuracy->accuracy : -1.0, before_parent);
  };
  if (rank(a) != rank(b)) return rank(a) > rank(b);
  return a.id < b.id;
}

}  // namespace faceforge::packs
