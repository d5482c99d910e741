#include "train/settings.h"

#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "train/count_field.h"

namespace faceforge::train {
namespace {

template <typename Enum, size_t kCount>
using Words = std::array<std::pair<Enum, std::string_view>, kCount>;

constexpr Words<NetworkKind, 6> kNetworks{{{NetworkKind::ResNet50, "resnet50"},
                                           {NetworkKind::IResNet18, "iresnet18"},
                                           {NetworkKind::IResNet34, "iresnet34"},
                                           {NetworkKind::IResNet50, "iresnet50"},
                                           {NetworkKind::IResNet100, "iresnet100"},
                                           {NetworkKind::MobileFaceNet, "mobilefacenet"}}};
constexpr Words<LossKind, 5> kLosses{{{LossKind::Triplet, "triplet"},
                                      {LossKind::ArcFace, "arcface"},
                                      {LossKind::CosFace, "cosface"},
                                      {LossKind::Contrastive, "contrastive"},
                                      {LossKind::MultiSimilarity, "multi-similarity"}}};
constexpr Words<Mining, 3> kMinings{
    {{Mining::All, "all"}, {Mining::Hard, "hard"}, {Mining::SemiHard, "semi-hard"}}};
constexpr Words<Distance, 2> kDistances{
    {{Distance::Euclidean, "euclidean"}, {Distance::SquaredEuclidean, "squared"}}};
constexpr Words<MarginKind, 2> kMarginKinds{
    {{MarginKind::Hinge, "hinge"}, {MarginKind::Soft, "soft"}}};
constexpr Words<OptimizerKind, 2> kOptimizers{
    {{OptimizerKind::AdamW, "adamw"}, {OptimizerKind::Sgd, "sgd"}}};
constexpr Words<Neck, 2> kNecks{{{Neck::None, "none"}, {Neck::BatchNorm, "batch-norm"}}};

template <typename Enum, size_t kCount>
std::string_view word_of(const Words<Enum, kCount>& words, Enum value) {
  for (const auto& [known, word] : words) {
    if (known == value) return word;
  }
  return "";
}

template <typename Enum, size_t kCount>
Result<Enum> value_of(const Words<Enum, kCount>& words, std::string_view asked) {
  std::string all;
  for (const auto& [value, word] : words) {
    if (word == asked) return value;
    all += (all.empty() ? "" : ", ") + std::string(word);
  }
  return fail(ErrorCode::InvalidInput, "unknown_word", "`{}` is not one of {}", asked, all);
}

struct Range {
  double low;
  double high;
};

Result<void> check_range(std::string_view name, double value, Range range) {
  if (value >= range.low && value <= range.high) return {};  // not so for NaN
  return fail(ErrorCode::InvalidInput, "setting_out_of_range", "{} is {}; it must be in [{}, {}]",
              name, value, range.low, range.high);
}

json::object to_json(const NetworkSettings& network) {
  return {{"kind", to_string(network.kind)},
          {"embedding_length", network.embedding_length},
          {"input_side_px", network.input_side_px},
          {"neck", to_string(network.neck)}};
}

json::object to_json(const LossSettings& loss) {
  return {{"kind", to_string(loss.kind)},
          {"mining", to_string(loss.mining)},
          {"distance", to_string(loss.distance)},
          {"margin_kind", to_string(loss.margin_kind)},
          {"margin", loss.margin},
          {"scale", loss.scale}};
}

json::object to_json(const OptimizerSettings& optimizer) {
  return {{"kind", to_string(optimizer.kind)},
          {"learning_rate", optimizer.learning_rate},
          {"weight_decay", optimizer.weight_decay},
          {"momentum", optimizer.momentum},
          {"warm_up_steps", optimizer.warm_up_steps},
          {"max_gradient_norm", optimizer.max_gradient_norm},
          {"ema_decay", optimizer.ema_decay}};
}

json::object to_json(const AugmentationSettings& augmentation) {
  return {{"flip", json::number(augmentation.flip)},
          {"crop", json::number(augmentation.crop)},
          {"colour", json::number(augmentation.colour)},
          {"blur", json::number(augmentation.blur)},
          {"low_resolution", json::number(augmentation.low_resolution)},
          {"occlusion", json::number(augmentation.occlusion)}};
}

template <typename Enum>
Result<Enum> word_field(const json::object& from, std::string_view name) {
  const std::string word = TRY(json::string_field(from, name));
  return from_word<Enum>(word);
}

Result<float> probability_field(const json::object& from, std::string_view name) {
  const double value = TRY(json::number_field(from, name));
  return static_cast<float>(value);
}

Result<NetworkSettings> network_from_json(const json::object& from) {
  NetworkSettings network;
  network.kind = TRY(word_field<NetworkKind>(from, "kind"));
  network.embedding_length = TRY(json::integer_field(from, "embedding_length"));
  network.input_side_px = TRY(json::integer_field(from, "input_side_px"));
  network.neck = TRY(word_field<Neck>(from, "neck"));
  return network;
}

Result<LossSettings> loss_from_json(const json::object& from) {
  LossSettings loss;
  loss.kind = TRY(word_field<LossKind>(from, "kind"));
  loss.mining = TRY(word_field<Mining>(from, "mining"));
  loss.distance = TRY(word_field<Distance>(from, "distance"));
  loss.margin_kind = TRY(word_field<MarginKind>(from, "margin_kind"));
  loss.margin = TRY(json::number_field(from, "margin"));
  loss.scale = TRY(json::number_field(from, "scale"));
  return loss;
}

Result<OptimizerSettings> optimizer_from_json(const json::object& from) {
  OptimizerSettings optimizer;
  optimizer.kind = TRY(word_field<OptimizerKind>(from, "kind"));
  optimizer.learning_rate = TRY(json::number_field(from, "learning_rate"));
  optimizer.weight_decay = TRY(json::number_field(from, "weight_decay"));
  optimizer.momentum = TRY(json::number_field(from, "momentum"));
  optimizer.warm_up_steps = TRY(count_field(from, "warm_up_steps"));
  optimizer.max_gradient_norm = TRY(json::number_field(from, "max_gradient_norm"));
  optimizer.ema_decay = TRY(json::number_field(from, "ema_decay"));
  return optimizer;
}

Result<AugmentationSettings> augmentation_from_json(const json::object& from) {
  AugmentationSettings augmentation;
  augmentation.flip = TRY(probability_field(from, "flip"));
  augmentation.crop = TRY(probability_field(from, "crop"));
  augmentation.colour = TRY(probability_field(from, "colour"));
  augmentation.blur = TRY(probability_field(from, "blur"));
  augmentation.low_resolution = TRY(probability_field(from, "low_resolution"));
  augmentation.occlusion = TRY(probability_field(from, "occlusion"));
  return augmentation;
}

}  // namespace

std::string_view to_string(NetworkKind kind) {
  return word_of(kNetworks, kind);
}
std::string_view to_string(LossKind kind) {
  return word_of(kLosses, kind);
}
std::string_view to_string(Mining mining) {
  return word_of(kMinings, mining);
}
std::string_view to_string(Distance distance) {
  return word_of(kDistances, distance);
}
std::string_view to_string(MarginKind kind) {
  return word_of(kMarginKinds, kind);
}
std::string_view to_string(OptimizerKind kind) {
  return word_of(kOptimizers, kind);
}
std::string_view to_string(Neck neck) {
  return word_of(kNecks, neck);
}

template <>
Result<NetworkKind> from_word(std::string_view word) {
  return value_of(kNetworks, word);
}
template <>
Result<LossKind> from_word(std::string_view word) {
  return value_of(kLosses, word);
}
template <>
Result<Mining> from_word(std::string_view word) {
  return value_of(kMinings, word);
}
template <>
Result<Distance> from_word(std::string_view word) {
  return value_of(kDistances, word);
}
template <>
Result<MarginKind> from_word(std::string_view word) {
  return value_of(kMarginKinds, word);
}
template <>
Result<OptimizerKind> from_word(std::string_view word) {
  return value_of(kOptimizers, word);
}
template <>
Result<Neck> from_word(std::string_view word) {
  return value_of(kNecks, word);
}

Result<void> check_settings(const RunSettings& settings) {
  constexpr double kMost = 1e9;
  const NetworkSettings& network = settings.network;
  TRY(check_range("input size", static_cast<double>(network.input_side_px),
                  {16, static_cast<double>(kMaxInputSide_px)}));
  TRY(check_range("embedding length", static_cast<double>(network.embedding_length),
                  {2, static_cast<double>(kMaxEmbeddingLength)}));
  TRY(check_range("margin", settings.loss.margin, {0, 10}));
  TRY(check_range("scale", settings.loss.scale, {1, 1000}));
  const OptimizerSettings& optimizer = settings.optimizer;
  TRY(check_range("learning rate", optimizer.learning_rate, {1e-9, 10}));
  TRY(check_range("weight decay", optimizer.weight_decay, {0, 1}));
  TRY(check_range("momentum", optimizer.momentum, {0, 1}));
  TRY(check_range("warm-up", static_cast<double>(optimizer.warm_up_steps), {0, kMost}));
  TRY(check_range("gradient norm", optimizer.max_gradient_norm, {0, kMost}));
  TRY(check_range("EMA decay", optimizer.ema_decay, {0, 0.999'999}));
  const AugmentationSettings& changes = settings.augmentation;
  for (const float probability : {changes.flip, changes.crop, changes.colour, changes.blur,
                                  changes.low_resolution, changes.occlusion}) {
    TRY(check_range("probability of an augmentation", probability, {0, 1}));
  }
  TRY(check_range("steps", static_cast<double>(settings.step_count), {1, kMost}));
  TRY(check_range("checkpoint interval", static_cast<double>(settings.checkpoint_every),
                  {1, kMost}));
  return check_range("seed", static_cast<double>(settings.seed), {0, 0x1p62});
}

json::object to_json(const RunSettings& settings) {
  return {{"data", settings.data.string()},
          {"people", settings.people.string()},
          {"held_out_people", settings.held_out_people.string()},
          {"initial_weights", settings.initial_weights.string()},
          {"network", to_json(settings.network)},
          {"loss", to_json(settings.loss)},
          {"optimizer", to_json(settings.optimizer)},
          {"augmentation", to_json(settings.augmentation)},
          {"people_per_batch", settings.batch.people},
          {"photos_per_person", settings.batch.photos_per_person},
          {"steps", settings.step_count},
          {"seed", settings.seed},
          {"evaluate_every", settings.evaluate_every},
          {"checkpoint_every", settings.checkpoint_every}};
}

Result<RunSettings> settings_from_json(const json::object& from) {
  RunSettings settings;
  settings.data = TRY(json::string_field(from, "data"));
  settings.people = TRY(json::string_field(from, "people"));
  settings.held_out_people = TRY(json::string_field(from, "held_out_people"));
  settings.initial_weights = TRY(json::string_field(from, "initial_weights"));
  const json::object network = TRY(json::object_field(from, "network"));
  settings.network = TRY(network_from_json(network));
  const json::object loss = TRY(json::object_field(from, "loss"));
  settings.loss = TRY(loss_from_json(loss));
  const json::object optimizer = TRY(json::object_field(from, "optimizer"));
  settings.optimizer = TRY(optimizer_from_json(optimizer));
  const json::object augmentation = TRY(json::object_field(from, "augmentation"));
  settings.augmentation = TRY(augmentation_from_json(augmentation));
  settings.batch.people = TRY(count_field(from, "people_per_batch"));
  settings.batch.photos_per_person = TRY(count_field(from, "photos_per_person"));
  settings.step_count = TRY(count_field(from, "steps"));
  settings.seed = TRY(count_field(from, "seed"));
  settings.evaluate_every = TRY(count_field(from, "evaluate_every"));
  settings.checkpoint_every = TRY(count_field(from, "checkpoint_every"));
  TRY(check_settings(settings));
  return settings;
}

double learning_rate_at(uint64_t step, const OptimizerSettings& optimizer, uint64_t step_count) {
  const auto done = static_cast<double>(step);
  const auto warm_up = static_cast<double>(optimizer.warm_up_steps);
  if (step < optimizer.warm_up_steps) return optimizer.learning_rate * (done + 1) / warm_up;
  const double left = std::max(1.0, static_cast<double>(step_count) - warm_up);
  const double share = std::min(1.0, (done - warm_up) / left);
  return optimizer.learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * share));
}

}  // namespace faceforge::train
