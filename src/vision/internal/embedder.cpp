#include "vision/internal/embedder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "vision/internal/batches.h"
#include "vision/internal/input_tensor.h"

namespace faceforge::vision {
namespace {

Unexpected not_finite(const EmbedderSpec& spec) {
  return fail(ErrorCode::Internal, "embedding_not_finite",
              "{} gave an embedding without a finite length", spec.file.filename().string());
}

}  // namespace

std::vector<LandmarkTemplate> templates_of(std::span<const EmbedderSpec> embedders) {
  std::vector<LandmarkTemplate> templates;
  for (const EmbedderSpec& embedder : embedders) {
    if (std::ranges::find(templates, embedder.landmark_template) == templates.end()) {
      templates.push_back(embedder.landmark_template);
    }
  }
  return templates;
}

EmbedderNetwork::EmbedderNetwork(EmbedderSpec spec, size_t crop_index, nn::Network network,
                                 nn::RunOptions run_options)
    : spec_(std::move(spec)),
      crop_index_(crop_index),
      network_(std::move(network)),
      run_options_(run_options) {}

Result<EmbedderNetwork> EmbedderNetwork::load(const EmbedderSpec& spec, size_t crop_index,
                                              const nn::RunOptions& run_options) {
  auto network = TRY(nn::Network::load(spec.file));
  EmbedderNetwork embedder(spec, crop_index, std::move(network), run_options);
  const int side_px = spec.landmark_template.side_px;
  TRY(embedder.run(black_input(1, side_px, side_px, spec.input)));
  return embedder;
}

Result<void> EmbedderNetwork::prepare(size_t face_count) const {
  const int64_t side_px = spec_.landmark_template.side_px;
  return network_.prepare(
      std::array{static_cast<int64_t>(face_count), int64_t{image::kChannels}, side_px, side_px},
      run_options_);
}

Result<std::vector<float>> EmbedderNetwork::run(const nn::Tensor& input) const {
  std::vector<nn::Tensor> outputs = TRY(network_.run(input, run_options_));
  const auto wanted = input.shape[0] * spec_.output_length;
  if (outputs.size() != 1 || std::cmp_not_equal(outputs[0].values.size(), wanted)) {
    return fail(ErrorCode::Corrupt, "network_shape",
                "{} should give one output of {} values a face, as its card says",
                spec_.file.filename().string(), spec_.output_length);
  }
  return std::move(outputs[0].values);
}

Result<std::vector<float>> EmbedderNetwork::run(
    std::span<const face::AlignedFace> faces,
    const std::function<Result<void>(const nn::Tensor&)>& on_input) const {
  CHECK(faces.size() <= kMaxBatch);
  const int side_px = spec_.landmark_template.side_px;
  nn::Tensor input = black_input(faces.size(), side_px, side_px, spec_.input);
  for (size_t place = 0; place < faces.size(); ++place) {
    const face::AlignedCrop& crop = faces[place].crops.at(crop_index_);
    CHECK(crop.landmark_template == spec_.landmark_template.name);
    CHECK(crop.pixels.width_px() == side_px && crop.pixels.height_px() == side_px);
    place_pixels(crop.pixels, {0, 0, side_px, side_px}, spec_.input, {.picture_index = place},
                 input);
  }
  if (on_input) TRY(on_input(input));
  std::vector<float> values = TRY(run(input));
  if (spec_.mirror_averaging == MirrorAveraging::On) {
    mirror_pictures(input);
    if (on_input) TRY(on_input(input));
    const std::vector<float> mirrored = TRY(run(input));
    for (size_t i = 0; i < values.size(); ++i) values[i] = (values[i] + mirrored[i]) / 2;
  }
  const auto length = static_cast<size_t>(spec_.output_length);
  for (size_t place = 0; place < faces.size(); ++place) {
    if (!finish_output(std::span(values).subspan(place * length, length), spec_)) {
      return not_finite(spec_);
    }
  }
  return values;
}

Result<Embedder> Embedder::load(const PipelineSpec& spec, const nn::RunOptions& run_options) {
  CHECK(!spec.embedders.empty());
  Embedder embedder;
  embedder.model_id_ = spec.model_id;
  embedder.metric_ = spec.metric;
  embedder.templates_ = templates_of(spec.embedders);
  const EmbedderSpec& first = spec.embedders.front();
  embedder.is_unit_length_ = spec.embedders.size() == 1 && first.weight == 1 &&
                             first.normalization == OutputNormalization::UnitLength;
  for (const EmbedderSpec& network : spec.embedders) {
    const auto place = std::ranges::find(embedder.templates_, network.landmark_template);
    const auto crop_index = static_cast<size_t>(place - embedder.templates_.begin());
    embedder.networks_.push_back(TRY(EmbedderNetwork::load(network, crop_index, run_options)));
  }
  return embedder;
}

Result<void> Embedder::prepare(size_t face_count) const {
  for (const EmbedderNetwork& network : networks_) TRY(network.prepare(face_count));
  return {};
}

Result<std::vector<face::Embedding>> Embedder::embed(std::span<const face::AlignedFace> faces,
                                                     const InputObserver& on_input) const {
  std::vector<face::Embedding> embeddings(faces.size(), {model_id_, metric_, {}});
  for (size_t done = 0; done < faces.size();) {
    const size_t count = next_batch(faces.size() - done);
    for (size_t index = 0; index < networks_.size(); ++index) {
      const EmbedderNetwork& network = networks_[index];
      std::function<Result<void>(const nn::Tensor&)> observer;
      if (on_input) observer = [&](const nn::Tensor& input) { return on_input(index, input); };
      const std::vector<float> outputs = TRY(network.run(faces.subspan(done, count), observer));
      const auto length = static_cast<size_t>(network.spec().output_length);
      for (size_t place = 0; place < count; ++place) {
        const auto output = std::span(outputs).subspan(place * length, length);
        std::vector<float>& values = embeddings[done + place].values;
        values.insert(values.end(), output.begin(), output.end());
      }
    }
    done += count;
  }
  if (metric_ == face::Metric::Cosine && !is_unit_length_) {
    for (face::Embedding& embedding : embeddings) {
      if (!face::normalize(embedding.values)) return not_finite(networks_.front().spec());
    }
  }
  return embeddings;
}

bool finish_output(std::span<float> values, const EmbedderSpec& spec) {
  CHECK(spec.output_mean.empty() || spec.output_mean.size() == values.size());
  for (size_t i = 0; i < spec.output_mean.size(); ++i) values[i] -= spec.output_mean[i];
  if (spec.normalization == OutputNormalization::UnitLength && !face::normalize(values)) {
    return false;
  }
  for (float& value : values) value *= spec.weight;
  return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

}  // namespace faceforge::vision
