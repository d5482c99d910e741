#include "packs/internal/card_measurements.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/sha256.h"

namespace faceforge::packs {
namespace {

constexpr size_t kText_bytes = 200;
constexpr size_t kLayerLimit = 20'000;  // as a network's nodes
constexpr int64_t kPhotoLimit = 1'000'000;

Result<std::vector<std::string>> parse_float_layers(CardFields& fields, int layer_count) {
  const auto limit = static_cast<size_t>(layer_count);
  const json::array* entries = TRY(fields.array("float_layers", 0, limit));
  std::vector<std::string> layers;
  for (size_t index = 0; index < entries->size(); ++index) {
    const json::value& entry = (*entries)[index];
    const bool is_name = entry.is_string() && !entry.get_string().empty() &&
                         entry.get_string().size() <= kText_bytes;
    if (!is_name) {
      return card_fault(fmt::format("{}[{}]", fields.path_of("float_layers"), index),
                        fmt::format("must be a text of 1 to {} bytes", kText_bytes));
    }
    layers.emplace_back(entry.get_string());
  }
  return layers;
}

Result<NetworkQuantization> parse_network(CardFields fields, const Card& card) {
  NetworkQuantization network;
  network.file = TRY(fields.text("file", 255));
  if (std::ranges::find(card.files, network.file, &PackFile::path) == card.files.end()) {
    return fields.fault("file", fmt::format("names {}, which `files` does not list", network.file));
  }
  const std::string method = TRY(fields.text("range_method", kText_bytes));
  const auto known = nn::range_method_from(method);
  if (!known) {
    return fields.fault("range_method",
                        "must be `minimum_maximum`, `percentile`, `entropy` or `squared_error`");
  }
  network.range_method = *known;
  network.layer_count =
      static_cast<int>(TRY(fields.integer("layer_count", 1, static_cast<int64_t>(kLayerLimit))));
  network.float_layers = TRY(parse_float_layers(fields, network.layer_count));
  network.mean_cosine = TRY(fields.number("mean_cosine", -1, 1));
  TRY(fields.no_others());
  return network;
}

}  // namespace

Result<MeasuredAccuracy> parse_accuracy(CardFields fields) {
  MeasuredAccuracy measured;
  measured.protocol = TRY(fields.text("protocol", kText_bytes));
  measured.accuracy = TRY(fields.number("accuracy", 0, 1));
  if (fields.has("accuracy_std")) {
    measured.accuracy_std = TRY(fields.number("accuracy_std", 0, 1));
  }
  TRY(fields.no_others());
  return measured;
}

Result<Quantization> parse_quantization(CardFields fields, const Card& card) {
  Quantization quantization;
  quantization.parent_id = TRY(fields.id("parent_id"));
  quantization.parent_model_id = face::ModelId(TRY(fields.sha256("parent_model_id")));
  if (fields.has("parent_accuracy")) {
    CardFields accuracy = TRY(fields.object("parent_accuracy"));
    quantization.parent_accuracy = TRY(parse_accuracy(std::move(accuracy)));
  }
  quantization.faceforge_version = TRY(fields.text("faceforge_version", kText_bytes));
  quantization.range_photo_count =
      static_cast<int>(TRY(fields.integer("range_photo_count", 1, kPhotoLimit)));
  quantization.held_out_photo_count =
      static_cast<int>(TRY(fields.integer("held_out_photo_count", 1, kPhotoLimit)));
  quantization.mean_cosine = TRY(fields.number("mean_cosine", -1, 1));
  const json::array* networks = TRY(fields.array("networks", 1, card.files.size()));
  std::set<std::string> seen;
  for (size_t index = 0; index < networks->size(); ++index) {
    const std::string path = fmt::format("{}[{}]", fields.path_of("networks"), index);
    CardFields network = TRY(card_object((*networks)[index], path));
    quantization.networks.push_back(TRY(parse_network(std::move(network), card)));
    if (!seen.insert(quantization.networks.back().file).second) {
      return card_fault(path + ".file", "is named twice");
    }
  }
  TRY(fields.no_others());
  return quantization;
}

json::object accuracy_json(const MeasuredAccuracy& measured) {
  json::object result{{"protocol", measured.protocol}, {"accuracy", measured.accuracy}};
  if (measured.accuracy_std) result["accuracy_std"] = *measured.accuracy_std;
  return result;
}

json::object quantization_json(const Quantization& quantization) {
  json::array networks;
  for (const NetworkQuantization& network : quantization.networks) {
    json::array float_layers;
    for (const std::string& layer : network.float_layers) float_layers.emplace_back(layer);
    networks.push_back(json::object{{"file", network.file},
                                    {"range_method", nn::to_string(network.range_method)},
                                    {"layer_count", network.layer_count},
                                    {"float_layers", std::move(float_layers)},
                                    {"mean_cosine", network.mean_cosine}});
  }
  json::object result{{"parent_id", quantization.parent_id},
                      {"parent_model_id", quantization.parent_model_id.hex()}};
  if (quantization.parent_accuracy) {
    result["parent_accuracy"] = accuracy_json(*quantization.parent_accuracy);
  }
  result["faceforge_version"] = quantization.faceforge_version;
  result["range_photo_count"] = quantization.range_photo_count;
  result["held_out_photo_count"] = quantization.held_out_photo_count;
  result["mean_cosine"] = quantization.mean_cosine;
  result["networks"] = std::move(networks);
  return result;
}

}  // namespace faceforge::packs
