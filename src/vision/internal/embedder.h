#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "face/aligned_crop.h"
#include "face/embedding.h"
#include "nn/network.h"
#include "vision/pipeline.h"
#include "vision/spec.h"

namespace faceforge::vision {

/// The different templates of some embedders, in the order in which they first occur.
[[nodiscard]] std::vector<LandmarkTemplate> templates_of(std::span<const EmbedderSpec> embedders);

/// The network of an `EmbedderSpec`.
class EmbedderNetwork {
 public:
  /// in:    `crop_index` of the spec's template among those of the pack
  /// fails: as `nn::Network::load`; corrupt/network_shape when its outputs are not of the card's
  ///        length, found by one run on a black crop
  [[nodiscard]] static Result<EmbedderNetwork> load(const EmbedderSpec& spec, size_t crop_index,
                                                    const nn::RunOptions& run_options);

  [[nodiscard]] const EmbedderSpec& spec() const { return spec_; }

  /// Runs one batch.
  ///
  /// in:    at most kMaxBatch faces, with a crop of the spec's template (CHECKs); `on_input` is
  ///        shown the batch, and its mirror image where there is one
  /// out:   [faces, output_length], finished as the spec says
  /// fails: as `nn::Network::run` and `on_input`; internal/embedding_not_finite, also for a length
  ///        of 0
  [[nodiscard]] Result<std::vector<float>> run(
      std::span<const face::AlignedFace> faces,
      const std::function<Result<void>(const nn::Tensor&)>& on_input) const;

  /// Compiles what a batch of so many faces runs. Fails as `nn::Network::prepare`.
  [[nodiscard]] Result<void> prepare(size_t face_count) const;

  /// From now on runs are made so.
  void run_with(const nn::RunOptions& run_options) { run_options_ = run_options; }

 private:
  EmbedderNetwork(EmbedderSpec spec, size_t crop_index, nn::Network network,
                  nn::RunOptions run_options);

  [[nodiscard]] Result<std::vector<float>> run(const nn::Tensor& input) const;

  EmbedderSpec spec_;
  size_t crop_index_;
  nn::Network network_;
  nn::RunOptions run_options_;
};

/// All embedders of a pack: from aligned faces to the vectors that are compared.
class Embedder {
 public:
  /// in:    a spec with at least one embedder (a CHECK)
  /// fails: as `EmbedderNetwork::load`
  [[nodiscard]] static Result<Embedder> load(const PipelineSpec& spec,
                                             const nn::RunOptions& run_options);

  /// The templates of the crops that `embed` wants, in their order.
  [[nodiscard]] const std::vector<LandmarkTemplate>& templates() const { return templates_; }

  /// Embeds faces, up to kMaxBatch in one run of each network.
  ///
  /// in:    faces with one crop a template (CHECKs)
  /// out:   one embedding a face, in order: the networks' outputs one after the other, of unit
  ///        length with `Metric::Cosine`
  /// fails: as `EmbedderNetwork::run`
  [[nodiscard]] Result<std::vector<face::Embedding>> embed(std::span<const face::AlignedFace> faces,
                                                           const InputObserver& on_input) const;

  /// Compiles what a batch of so many faces runs, in every network.
  ///
  /// in:    `face_count` as `next_batch` gives it
  /// fails: as `nn::Network::prepare`
  [[nodiscard]] Result<void> prepare(size_t face_count) const;

  /// From now on runs are made so.
  void run_with(const nn::RunOptions& run_options) {
    for (EmbedderNetwork& network : networks_) network.run_with(run_options);
  }

 private:
  Embedder() = default;

  face::ModelId model_id_;
  face::Metric metric_ = face::Metric::Cosine;
  bool is_unit_length_ = false;  ///< what the only network gives
  std::vector<LandmarkTemplate> templates_;
  std::vector<EmbedderNetwork> networks_;
};

/// Brings one output of a network into the form that a spec asks for; false when it is not finite
/// or has no length to bring to 1.
///
/// in: `values` of the spec's output length (a CHECK)
[[nodiscard]] bool finish_output(std::span<float> values, const EmbedderSpec& spec);

}  // namespace faceforge::vision
