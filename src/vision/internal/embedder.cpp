#include "vision/internal/embedder.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "vision/internal/batches.h"
#include "vision/internal/input_tensor.h"

namespace faceforge::vision {

Embedder::Embedder(EmbedderSpec spec, face::ModelId model_id, nn::Network network,
                   nn::RunOptions run_options)
    : spec_(std::move(spec)),
      model_id_(std::move(model_id)),
      network_(std::move(network)),
      run_options_(run_options) {}

Result<Embedder> Embedder::load(const EmbedderSpec& spec, const face::ModelId& model_id,
                                const nn::RunOptions& run_options) {
  Embedder embedder(spec, model_id, TRY(nn::Network::load(spec.file)), run_options);
  const int side_px = spec.landmark_template.side_px;
  TRY(embedder.run(black_input(1, side_px, side_px, spec.input)));
  return embedder;
}

Result<std::vector<float>> Embedder::run(const nn::Tensor& input) const {
  std::vector<nn::Tensor> outputs = TRY(network_.run(input, run_options_));
  const auto wanted = input.shape[0] * spec_.embedding_length;
  if (outputs.size() != 1 || std::cmp_not_equal(outputs[0].values.size(), wanted)) {
    return fail(ErrorCode::Corrupt, "network_shape",
                "{} should give one output of {} values a face, as its card says",
                spec_.file.filename().string(), spec_.embedding_length);
  }
  return std::move(outputs[0].values);
}

Result<std::vector<face::Embedding>> Embedder::embed(
    std::span<const face::AlignedCrop> crops) const {
  const int side_px = spec_.landmark_template.side_px;
  const auto length = static_cast<size_t>(spec_.embedding_length);
  std::vector<face::Embedding> embeddings;
  embeddings.reserve(crops.size());
  while (embeddings.size() < crops.size()) {
    const auto batch =
        crops.subspan(embeddings.size(), next_batch(crops.size() - embeddings.size()));
    nn::Tensor input = black_input(batch.size(), side_px, side_px, spec_.input);
    for (size_t place = 0; place < batch.size(); ++place) {
      CHECK(batch[place].landmark_template == spec_.landmark_template.name);
      CHECK(batch[place].pixels.width_px() == side_px &&
            batch[place].pixels.height_px() == side_px);
      place_pixels(batch[place].pixels, {0, 0, side_px, side_px}, spec_.input,
                   {.picture_index = place}, input);
    }
    const std::vector<float> values = TRY(run(input));
    for (size_t place = 0; place < batch.size(); ++place) {
      const auto from = std::span(values).subspan(place * length, length);
      face::Embedding embedding{model_id_, spec_.metric, {from.begin(), from.end()}};
      if (!make_comparable(embedding.values, spec_.metric, spec_.distance_scale)) {
        return fail(ErrorCode::Internal, "embedding_not_finite",
                    "{} gave an embedding without a finite length", spec_.file.filename().string());
      }
      embeddings.push_back(std::move(embedding));
    }
  }
  return embeddings;
}

bool make_comparable(std::span<float> values, face::Metric metric, float distance_scale) {
  if (metric == face::Metric::Cosine) return face::normalize(values);
  for (float& value : values) value *= distance_scale;
  return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

}  // namespace faceforge::vision
