#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "train/sampler.h"

// What a run is made of. Everything that its numbers depend on is here and in `run.json`, but for
// the crops, which run.json names by their hash.
namespace faceforge::train {

inline constexpr int64_t kMaxInputSide_px = 512;
inline constexpr int64_t kMaxEmbeddingLength = 4096;

enum class NetworkKind { ResNet50, IResNet18, IResNet34, IResNet50, IResNet100, MobileFaceNet };
enum class LossKind { Triplet, ArcFace, CosFace, Contrastive, MultiSimilarity };
enum class Mining { All, Hard, SemiHard };
enum class Distance { Euclidean, SquaredEuclidean };
enum class MarginKind { Hinge, Soft };
enum class OptimizerKind { AdamW, Sgd };
enum class Neck { None, BatchNorm };

/// The words of `--network` and its kind, in run.json too: `resnet50`, `semi-hard`, ...
[[nodiscard]] std::string_view to_string(NetworkKind kind);
[[nodiscard]] std::string_view to_string(LossKind kind);
[[nodiscard]] std::string_view to_string(Mining mining);
[[nodiscard]] std::string_view to_string(Distance distance);
[[nodiscard]] std::string_view to_string(MarginKind kind);
[[nodiscard]] std::string_view to_string(OptimizerKind kind);
[[nodiscard]] std::string_view to_string(Neck neck);

/// Reads such a word.
///
/// fails: invalid_input/unknown_word, with the words there are
template <typename Enum>
[[nodiscard]] Result<Enum> from_word(std::string_view word);
template <>
Result<NetworkKind> from_word(std::string_view word);
template <>
Result<LossKind> from_word(std::string_view word);
template <>
Result<Mining> from_word(std::string_view word);
template <>
Result<Distance> from_word(std::string_view word);
template <>
Result<MarginKind> from_word(std::string_view word);
template <>
Result<OptimizerKind> from_word(std::string_view word);
template <>
Result<Neck> from_word(std::string_view word);

struct NetworkSettings {
  NetworkKind kind = NetworkKind::ResNet50;
  int64_t embedding_length = 512;
  int64_t input_side_px = 112;
  Neck neck = Neck::None;
};

struct LossSettings {
  LossKind kind = LossKind::Triplet;
  Mining mining = Mining::SemiHard;                ///< of triplets
  Distance distance = Distance::SquaredEuclidean;  ///< of triplets
  MarginKind margin_kind = MarginKind::Hinge;      ///< of triplets
  double margin =
      0.2;  ///< of triplets and contrastive: a distance; of ArcFace: radians; of CosFace: a cosine
  double scale = 64;  ///< of ArcFace and CosFace
};

struct OptimizerSettings {
  OptimizerKind kind = OptimizerKind::AdamW;
  double learning_rate = 1e-3;  ///< the highest, after the warm-up
  double weight_decay = 0.01;   ///< not of biases and norms
  double momentum = 0.9;        ///< of SGD
  uint64_t warm_up_steps = 100;
  double max_gradient_norm = 5;  ///< longer gradients are shortened to it; 0: never
  double ema_decay = 0;          ///< of the averaged weights; 0: none are kept
};

/// How often each change is made to a photo: probabilities.
struct AugmentationSettings {
  float flip = 0.5F;
  float crop = 0.5F;
  float colour = 0.5F;
  float blur = 0.1F;
  float low_resolution = 0.1F;
  float occlusion = 0.1F;
};

struct RunSettings {
  std::filesystem::path data;             ///< the `.ffd` file
  std::filesystem::path people;           ///< the list of whom to train on
  std::filesystem::path held_out_people;  ///< the list to measure on; empty: nothing is measured
  std::filesystem::path initial_weights;  ///< safetensors to start from; empty: from scratch
  NetworkSettings network;
  LossSettings loss;
  OptimizerSettings optimizer;
  AugmentationSettings augmentation;
  BatchShape batch;
  uint64_t step_count = 1000;
  uint64_t seed = 1;
  uint64_t evaluate_every = 0;      ///< steps between measurements; 0: before and after only
  uint64_t checkpoint_every = 100;  ///< steps
};

/// Checks every number against its range.
///
/// fails: invalid_input/setting_out_of_range, naming the setting, its value and the range
[[nodiscard]] Result<void> check_settings(const RunSettings& settings);

[[nodiscard]] json::object to_json(const RunSettings& settings);

/// Reads what to_json wrote.
///
/// fails: invalid_input/json_field_missing, json_field_type or unknown_word; as check_settings
[[nodiscard]] Result<RunSettings> settings_from_json(const json::object& from);

/// The learning rate of a step: a linear warm-up to the highest, then half a cosine down to zero.
///
/// source: Goyal et al. 2017, "Accurate, Large Minibatch SGD", section 2.2 (warm-up); Loshchilov &
///         Hutter 2017, "SGDR", eq. 5 with one cycle
[[nodiscard]] double learning_rate_at(uint64_t step, const OptimizerSettings& optimizer,
                                      uint64_t step_count);

}  // namespace faceforge::train
