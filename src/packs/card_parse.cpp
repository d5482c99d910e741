#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "base/json.h"
#include "face/calibration_json.h"
#include "face/embedding.h"
#include "packs/card.h"
#include "packs/internal/card_fields.h"
#include "packs/internal/card_measurements.h"
#include "vision/landmark_templates.h"

// Fields are assigned one by one: g++ 12 leaks the members made so far when a TRY inside a braced
// initializer returns.
namespace faceforge::packs {
namespace {

constexpr int64_t kCardVersion = 1;
constexpr size_t kShortText_bytes = 200;
constexpr size_t kLongText_bytes = 4'000;
constexpr size_t kUrl_bytes = 2'000;
constexpr size_t kContourPointCount = 68;
constexpr size_t kLivenessNetworkLimit = 8;
constexpr size_t kEmbedderLimit = 4;
constexpr size_t kNpmPackageLimit = 4;
constexpr int kEmbeddingLengthLimit = 8'192;

/// Nothing above 0 is written "0 excluded" in a range: the least sensible positive value is.
constexpr double kLeastPositive = 1e-6;

/// Tells whether a path stays inside its folder on every system, and can be shown in one line.
bool is_safe_path(std::string_view path) {
  if (path.empty() || path.size() > 255 || path.front() == '/') return false;
  for (const char character : path) {
    if (static_cast<unsigned char>(character) < 0x20 || character == '\\' || character == ':') {
      return false;
    }
  }
  size_t begin = 0;
  while (begin <= path.size()) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part.empty() || part.front() == '.') return false;  // `.`, `..` and hidden files too
    begin = end + 1;
  }
  return true;
}

Result<Licence> parse_licence(CardFields fields) {
  Licence licence;
  licence.label = TRY(fields.text("label", kShortText_bytes));
  licence.text = TRY(fields.lines("text", kLongText_bytes));
  licence.url = TRY(fields.text("url", kUrl_bytes));
  const std::string kind = TRY(fields.text("kind", kShortText_bytes));
  if (kind == to_string(LicenceKind::Permissive)) {
    licence.kind = LicenceKind::Permissive;
  } else if (kind == to_string(LicenceKind::NonCommercial)) {
    licence.kind = LicenceKind::NonCommercial;
  } else {
    return fields.fault("kind", "must be `permissive` or `non_commercial`");
  }
  TRY(fields.no_others());
  return licence;
}

Result<std::vector<NpmPackage>> parse_npm_packages(CardFields& source) {
  std::vector<NpmPackage> packages;
  const json::array* entries = TRY(source.array("packages", 1, kNpmPackageLimit));
  for (size_t index = 0; index < entries->size(); ++index) {
    const std::string path = fmt::format("{}[{}]", source.path_of("packages"), index);
    CardFields fields = TRY(card_object((*entries)[index], path));
    NpmPackage package;
    package.name = TRY(fields.text("name", kShortText_bytes));
    package.version = TRY(fields.text("version", kShortText_bytes));
    TRY(fields.no_others());
    packages.push_back(std::move(package));
  }
  return packages;
}

Result<Source> parse_source(CardFields fields) {
  Source source;
  source.note = TRY(fields.lines("note", kLongText_bytes));
  const std::string kind = TRY(fields.text("kind", kShortText_bytes));
  if (kind == to_string(SourceKind::Url)) {
    source.kind = SourceKind::Url;
    source.url = TRY(fields.text("url", kUrl_bytes));
    if (!source.url.starts_with("https://") && !source.url.starts_with("http://")) {
      return fields.fault("url", "must begin with https:// or http://");
    }
    if (fields.has("sha256")) source.sha256 = TRY(fields.sha256("sha256"));
  } else if (kind == to_string(SourceKind::Npm)) {
    source.kind = SourceKind::Npm;
    source.packages = TRY(parse_npm_packages(fields));
  } else if (kind != to_string(SourceKind::None)) {
    return fields.fault("kind", "must be `none`, `url` or `npm`");
  }
  TRY(fields.no_others());
  return source;
}

Result<std::vector<PackFile>> parse_files(CardFields& fields, const CardLimits& limits) {
  const json::array* entries = TRY(fields.array("files", 1, limits.file_count));
  std::vector<PackFile> files;
  std::set<std::string> seen;
  for (size_t index = 0; index < entries->size(); ++index) {
    CardFields entry = TRY(card_object((*entries)[index], fmt::format("files[{}]", index)));
    PackFile file;
    file.path = TRY(entry.text("path", 255));
    if (!is_safe_path(file.path) || file.path == kCardFileName) {
      return entry.fault(
          "path", fmt::format("must name a file inside the pack's folder, not {}", file.path));
    }
    if (!seen.insert(file.path).second) return entry.fault("path", "is listed twice");
    if (entry.has("sha256")) file.sha256 = TRY(entry.sha256("sha256"));
    if (entry.has("size_bytes")) {
      file.size_bytes = TRY(entry.integer("size_bytes", 1, limits.file_bytes));
    }
    TRY(entry.no_others());
    files.push_back(std::move(file));
  }
  return files;
}

/// The files of a card, and which of them its parts have named so far.
class NamedFiles {
 public:
  explicit NamedFiles(const std::vector<PackFile>& files) {
    for (const PackFile& file : files) unused_.insert(file.path);
    all_ = unused_;
  }

  Result<std::filesystem::path> take(CardFields& fields) {
    const std::string path = TRY(fields.text("file", 255));
    if (!all_.contains(path)) {
      return fields.fault("file", fmt::format("names {}, which `files` does not list", path));
    }
    unused_.erase(path);
    return std::filesystem::path(path);
  }

  [[nodiscard]] Result<void> all_used() const {
    if (unused_.empty()) return {};
    return card_fault("files", fmt::format("lists {}, which nothing names", *unused_.begin()));
  }

 private:
  std::set<std::string> all_;
  std::set<std::string> unused_;
};

Result<std::array<float, 3>> parse_triple(CardFields& fields, std::string_view name, double low,
                                          double high) {
  const json::array* values = TRY(fields.array(name, 3, 3));
  std::array<float, 3> triple{};
  for (size_t channel = 0; channel < triple.size(); ++channel) {
    const std::string path = fmt::format("{}[{}]", fields.path_of(name), channel);
    triple[channel] = static_cast<float>(TRY(card_number((*values)[channel], path, low, high)));
  }
  return triple;
}

Result<vision::InputNormalization> parse_input(CardFields fields) {
  vision::InputNormalization input;
  input.mean = TRY(parse_triple(fields, "mean", -1'000, 1'000));
  input.scale = TRY(parse_triple(fields, "scale", kLeastPositive, 10'000));
  const std::string order = TRY(fields.text("channel_order", kShortText_bytes));
  if (order != "rgb" && order != "bgr") {
    return fields.fault("channel_order", "must be `rgb` or `bgr`");
  }
  input.channel_order = order == "rgb" ? vision::ChannelOrder::Rgb : vision::ChannelOrder::Bgr;
  TRY(fields.no_others());
  return input;
}

Result<vision::InputNormalization> parse_input_of(CardFields& fields) {
  CardFields input = TRY(fields.object("input"));
  return parse_input(std::move(input));
}

Result<vision::DetectorHead> parse_head(CardFields& fields) {
  const std::string head = TRY(fields.text("head", kShortText_bytes));
  if (head == "retinaface") return vision::DetectorHead::Retinaface;
  if (head == "scrfd") return vision::DetectorHead::Scrfd;
  if (head == "yunet") return vision::DetectorHead::Yunet;
  if (head == "ssd") return vision::DetectorHead::Ssd;
  if (head == "blazeface") return vision::DetectorHead::Blazeface;
  return fields.fault("head", "must be `retinaface`, `scrfd`, `yunet`, `ssd` or `blazeface`");
}

Result<vision::DetectorSpec> parse_detector(CardFields fields, NamedFiles& files) {
  vision::DetectorSpec detector;
  detector.file = TRY(files.take(fields));
  detector.head = TRY(parse_head(fields));
  detector.input = TRY(parse_input_of(fields));
  detector.fixed_side_px =
      static_cast<int>(TRY(fields.integer("fixed_side_px", 0, vision::kMaxDetectorSide_px)));
  detector.stride_multiple_px =
      static_cast<int>(TRY(fields.integer("stride_multiple_px", 1, 1'024)));
  detector.min_detection_score =
      static_cast<float>(TRY(fields.number("min_detection_score", kLeastPositive, 1)));
  detector.overlap_limit =
      static_cast<float>(TRY(fields.number("overlap_limit", kLeastPositive, 1)));
  TRY(fields.no_others());
  return detector;
}

Result<vision::MirrorAveraging> parse_mirror_averaging(CardFields& fields) {
  const bool is_on = fields.has("mirror_averaging") && TRY(fields.boolean("mirror_averaging"));
  return is_on ? vision::MirrorAveraging::On : vision::MirrorAveraging::Off;
}

Result<vision::SecondLook> parse_second_look(CardFields fields) {
  vision::SecondLook second_look;
  second_look.side = static_cast<float>(TRY(fields.number("side", 0.5, 4)));
  second_look.rise = static_cast<float>(TRY(fields.number("rise", -1, 1)));
  TRY(fields.no_others());
  return second_look;
}

Result<vision::ContourSpec> parse_contour(CardFields fields, NamedFiles& files) {
  vision::ContourSpec contour;
  contour.file = TRY(files.take(fields));
  contour.input = TRY(parse_input_of(fields));
  contour.side_px = static_cast<int>(TRY(fields.integer("side_px", 16, 1'024)));
  contour.mirror_averaging = TRY(parse_mirror_averaging(fields));
  if (fields.has("second_look")) {
    CardFields second_look = TRY(fields.object("second_look"));
    contour.second_look = TRY(parse_second_look(std::move(second_look)));
  }
  TRY(fields.no_others());
  return contour;
}

Result<face::Point> parse_point(const json::value& from, const std::string& path, int side_px) {
  const json::array* pair = from.if_array();
  if (pair == nullptr || pair->size() != 2) return card_fault(path, "must be a pair [x, y]");
  // A template may reach beyond its crop: dlib's chin does.
  const double limit = 2.0 * side_px;
  const double x = TRY(card_number((*pair)[0], path + "[0]", -limit, limit));
  const double y = TRY(card_number((*pair)[1], path + "[1]", -limit, limit));
  return face::Point{.x = static_cast<float>(x), .y = static_cast<float>(y)};
}

Result<std::vector<int>> parse_contour_indices(CardFields& fields) {
  std::vector<int> indices;
  if (!fields.has("contour_indices")) return indices;
  const json::array* entries = TRY(fields.array("contour_indices", 3, kContourPointCount));
  std::set<int64_t> seen;
  for (const json::value& entry : *entries) {
    if (!entry.is_int64() || entry.get_int64() < 0 ||
        entry.get_int64() >= static_cast<int64_t>(kContourPointCount) ||
        !seen.insert(entry.get_int64()).second) {
      return fields.fault("contour_indices", "must hold different integers of 0 to 67");
    }
    indices.push_back(static_cast<int>(entry.get_int64()));
  }
  return indices;
}

Result<vision::LandmarkTemplate> parse_template(CardFields& embedder) {
  if (!embedder.has("template")) return embedder.fault("template", "is missing");
  if (embedder.raw().at("template").is_string()) {
    const std::string name = TRY(embedder.text("template", kShortText_bytes));
    auto named = vision::landmark_template(name);
    if (!named) return embedder.fault("template", named.error().message);
    return named;
  }
  CardFields fields = TRY(embedder.object("template"));
  vision::LandmarkTemplate result;
  result.name = TRY(fields.text("name", kShortText_bytes));
  result.side_px = static_cast<int>(TRY(fields.integer("side_px", 16, 1'024)));
  result.contour_indices = TRY(parse_contour_indices(fields));
  const size_t wanted =
      result.contour_indices.empty() ? face::kLandmarkCount : result.contour_indices.size();
  const json::array* points = TRY(fields.array("points", wanted, wanted));
  for (size_t index = 0; index < points->size(); ++index) {
    const std::string path = fmt::format("{}[{}]", fields.path_of("points"), index);
    result.points.push_back(TRY(parse_point((*points)[index], path, result.side_px)));
  }
  TRY(fields.no_others());
  return result;
}

Result<std::vector<float>> parse_output_mean(CardFields& fields, int output_length) {
  const auto length = static_cast<size_t>(output_length);
  const json::array* numbers = TRY(fields.array("output_mean", length, length));
  std::vector<float> mean;
  for (size_t index = 0; index < numbers->size(); ++index) {
    const std::string path = fmt::format("{}[{}]", fields.path_of("output_mean"), index);
    mean.push_back(static_cast<float>(TRY(card_number((*numbers)[index], path, -1e6, 1e6))));
  }
  return mean;
}

Result<vision::EmbedderSpec> parse_embedder(CardFields fields, NamedFiles& files) {
  vision::EmbedderSpec embedder;
  embedder.file = TRY(files.take(fields));
  embedder.input = TRY(parse_input_of(fields));
  embedder.landmark_template = TRY(parse_template(fields));
  embedder.output_length = static_cast<int>(TRY(fields.integer("output_length", 8, 8'192)));
  embedder.mirror_averaging = TRY(parse_mirror_averaging(fields));
  if (fields.has("output_mean")) {
    embedder.output_mean = TRY(parse_output_mean(fields, embedder.output_length));
  }
  const bool unit_length = TRY(fields.boolean("normalize"));
  embedder.normalization =
      unit_length ? vision::OutputNormalization::UnitLength : vision::OutputNormalization::None;
  if (fields.has("weight")) {
    embedder.weight = static_cast<float>(TRY(fields.number("weight", kLeastPositive, 1e6)));
  }
  TRY(fields.no_others());
  return embedder;
}

Result<std::vector<vision::EmbedderSpec>> parse_embedders(CardFields& card, NamedFiles& files) {
  std::vector<vision::EmbedderSpec> embedders;
  const json::array* entries = TRY(card.array("embedders", 1, kEmbedderLimit));
  for (size_t index = 0; index < entries->size(); ++index) {
    CardFields fields = TRY(card_object((*entries)[index], fmt::format("embedders[{}]", index)));
    embedders.push_back(TRY(parse_embedder(std::move(fields), files)));
  }
  return embedders;
}

Result<face::Metric> parse_metric(CardFields& card) {
  const std::string name = TRY(card.text("metric", kShortText_bytes));
  auto metric = face::metric_from(name);
  if (!metric) return card.fault("metric", metric.error().message);
  return metric;
}

Result<std::vector<vision::LivenessSpec>> parse_liveness(CardFields& card, NamedFiles& files) {
  std::vector<vision::LivenessSpec> networks;
  if (!card.has("liveness")) return networks;
  const json::array* entries = TRY(card.array("liveness", 0, kLivenessNetworkLimit));
  for (size_t index = 0; index < entries->size(); ++index) {
    CardFields fields = TRY(card_object((*entries)[index], fmt::format("liveness[{}]", index)));
    vision::LivenessSpec network;
    network.file = TRY(files.take(fields));
    network.input = TRY(parse_input_of(fields));
    network.side_px = static_cast<int>(TRY(fields.integer("side_px", 16, 1'024)));
    network.box_growth = static_cast<float>(TRY(fields.number("box_growth", 1, 10)));
    network.real_class_index = static_cast<int>(TRY(fields.integer("real_class_index", 0, 15)));
    networks.push_back(std::move(network));
    TRY(fields.no_others());
  }
  return networks;
}

Result<std::vector<TrainedPeopleFile>> parse_trained_people(CardFields& card, NamedFiles& files) {
  std::vector<TrainedPeopleFile> trained;
  if (!card.has("trained_people")) return trained;
  const json::array* entries = TRY(card.array("trained_people", 0, kEmbedderLimit));
  for (size_t index = 0; index < entries->size(); ++index) {
    CardFields fields =
        TRY(card_object((*entries)[index], fmt::format("trained_people[{}]", index)));
    TrainedPeopleFile file;
    file.path = TRY(files.take(fields)).generic_string();
    const std::string digits = TRY(fields.text("salt", kShortText_bytes));
    const auto salt = crops::parse_person_salt(digits);
    if (!salt) return fields.fault("salt", salt.error().message);
    file.salt = *salt;
    TRY(fields.no_others());
    trained.push_back(std::move(file));
  }
  return trained;
}

Result<face::Calibration> parse_calibration(const CardFields& fields, const Card& card) {
  auto calibration = face::calibration_from_json(fields.raw());
  if (!calibration) return card_fault("calibration", calibration.error().message);
  const auto own = model_id(card);
  if (own && calibration->model_id != *own) {
    return card_fault("calibration.model_id",
                      fmt::format("is of another model than this card's, {}: set `calibration` to "
                                  "null and calibrate again",
                                  own->hex()));
  }
  return calibration;
}

/// What several fields say together.
Result<void> check_whole(const Card& card) {
  if (vision::finds_boxes_only(card.detector.head) && !card.contour) {
    return card_fault("contour", "is missing: a detector of this head finds no landmarks");
  }
  int length = 0;
  for (size_t index = 0; index < card.embedders.size(); ++index) {
    const vision::EmbedderSpec& embedder = card.embedders[index];
    if (!embedder.landmark_template.contour_indices.empty() && !card.contour) {
      return card_fault("contour", "is missing: the template is made of contour points");
    }
    length += embedder.output_length;
    const bool other_template =
        std::ranges::any_of(card.embedders, [&](const vision::EmbedderSpec& other) {
          return other.landmark_template.name == embedder.landmark_template.name &&
                 other.landmark_template != embedder.landmark_template;
        });
    if (other_template) {
      return card_fault(fmt::format("embedders[{}].template.name", index),
                        "is that of another embedder's template, whose points differ");
    }
  }
  if (length > kEmbeddingLengthLimit) {
    return card_fault("embedders", fmt::format("make an embedding of {} numbers; the limit is {}",
                                               length, kEmbeddingLengthLimit));
  }
  return {};
}

Result<Card> parse_fields(CardFields fields, const CardLimits& limits) {
  if (TRY(fields.integer("card_version", 1, 1'000'000)) != kCardVersion) {
    return fail(ErrorCode::Unsupported, "card_version",
                "the card is of version {}; this version of FaceForge reads {}",
                TRY(fields.integer("card_version", 1, 1'000'000)), kCardVersion);
  }
  Card card;
  card.id = TRY(fields.id("id"));
  card.name = TRY(fields.text("name", kShortText_bytes));
  CardFields licence = TRY(fields.object("licence"));
  card.licence = TRY(parse_licence(std::move(licence)));
  CardFields source = TRY(fields.object("source"));
  card.source = TRY(parse_source(std::move(source)));
  card.files = TRY(parse_files(fields, limits));
  NamedFiles files(card.files);
  CardFields detector = TRY(fields.object("detector"));
  card.detector = TRY(parse_detector(std::move(detector), files));
  if (fields.has("contour")) {
    CardFields contour = TRY(fields.object("contour"));
    card.contour = TRY(parse_contour(std::move(contour), files));
  }
  card.embedders = TRY(parse_embedders(fields, files));
  card.metric = TRY(parse_metric(fields));
  card.liveness = TRY(parse_liveness(fields, files));
  card.trained_people = TRY(parse_trained_people(fields, files));
  TRY(files.all_used());
  TRY(check_whole(card));
  if (fields.has("measured_accuracy")) {
    CardFields measured = TRY(fields.object("measured_accuracy"));
    card.measured_accuracy = TRY(parse_accuracy(std::move(measured)));
  }
  if (fields.has("calibration")) {
    const CardFields calibration = TRY(fields.object("calibration"));
    card.calibration = TRY(parse_calibration(calibration, card));
  }
  if (fields.has("quantization")) {
    CardFields quantization = TRY(fields.object("quantization"));
    card.quantization = TRY(parse_quantization(std::move(quantization), card));
  }
  TRY(fields.no_others());
  return card;
}

}  // namespace

Result<Card> parse_card(std::string_view text, const CardLimits& limits) {
  if (text.size() > limits.card_bytes) {
    return fail(ErrorCode::TooLarge, "card_too_large", "the card has {} bytes; the limit is {}",
                text.size(), limits.card_bytes);
  }
  const auto document = json::parse(text, limits.card_bytes);
  if (!document) {
    return fail(ErrorCode::InvalidInput, "card_malformed", "the card is not JSON: {}",
                document.error().message);
  }
  if (!document->is_object()) {
    return fail(ErrorCode::InvalidInput, "card_malformed", "the card is not a JSON object");
  }
  return parse_fields(CardFields(document->get_object(), ""), limits);
}

Result<Card> read_card(const std::filesystem::path& folder, const CardLimits& limits) {
  const std::filesystem::path file = folder / kCardFileName;
  const auto text = read_text_file(file, limits.card_bytes);
  if (!text && text.error().code == ErrorCode::NotFound) {
    return fail(ErrorCode::NotFound, "card_missing", "there is no {}", file.string());
  }
  if (!text && text.error().code == ErrorCode::TooLarge) {
    return fail(ErrorCode::TooLarge, "card_too_large", "{} is larger than the limit of {} bytes",
                file.string(), limits.card_bytes);
  }
  if (!text) return Unexpected(text.error());
  auto card = parse_card(*text, limits);
  if (!card) {
    card.error().message = fmt::format("{}: {}", file.string(), card.error().message);
  }
  return card;
}

}  // namespace faceforge::packs
