#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "evaluate/detection_agreement.h"
#include "evaluate/layer_choice.h"
#include "evaluate/photo_embeddings.h"
#include "evaluate/range_photos.h"
#include "vision/spec.h"

namespace faceforge::evaluate {

/// Photos with a face whose numbers are counted, and others that judge; those beyond are not looked
/// at.
inline constexpr size_t kObservedPhotoLimit = 128;
inline constexpr size_t kHeldOutPhotoLimit = 64;
/// Fewer of either are too few to go by.
inline constexpr size_t kMinRangePhotos = 16;

/// What is asked of embeddings on the photos held out, so that `packs::kMinQuantizedCosine` holds
/// on others too.
inline constexpr double kWantedMeanCosine = 0.997;

enum class NetworkKind { Detector, Embedder };

/// One network of a pack, on bytes as far as it does no harm.
struct QuantizedNetwork {
  std::filesystem::path file;  ///< the parent's
  NetworkKind kind = NetworkKind::Embedder;
  LayerChoice choice;
  double mean_cosine = 1;  ///< of the answers to those of the parent's, on photos held out
  std::optional<DetectionAgreement> agreement = {};  ///< a detector's, if any layer is on bytes
};

struct QuantizedNetworks {
  std::vector<QuantizedNetwork> networks;  ///< the detector first
  size_t observed_photo_count = 0;         ///< with a face
  size_t held_out_photo_count = 0;
  size_t faceless_count = 0;          ///< photos that were looked at in vain
  std::vector<std::string> unusable;  ///< photos that could not be read, and why
};

/// Begins a phase of the work: who is told how far it is, and may end it.
using BeginPhase = std::function<Supervision(std::string_view phase)>;

/// Puts the detector and the embedders of a pack on bytes.
///
/// Ranges are counted over the inputs that the networks get for the observed photos: the detector
/// every picture of its scale search, an embedder the central face. They go through twice: at first
/// they show how channels are rescaled (`nn::Quantizer::equalize`). What runs on bytes is chosen on
/// photos of other people (`choose_layers`): an embedder's layers until the mean cosine to the
/// parent's embeddings is `kWantedMeanCosine`, a detector's until it finds the same faces
/// (`DetectionAgreement`). Where a card takes no mean from the output of an embedder whose length
/// counts, cosines are taken from the mean output: such outputs all lie in one direction. Contour
/// and liveness networks stay floats: they are small, and a landmark or a probability that moves
/// touches everything behind it.
///
/// in:    `spec` of a pack on floats; `scratch` a folder for a file of this function's own
/// fails: as `vision::Pipeline::load`; as `nn::Quantizer::load` (invalid_input/already_quantized)
///        and `observe`; not_found/no_face_in_range_photos; invalid_input/too_few_range_photos;
///        unsupported/nothing_to_quantize when no layer of any network is worth it;
///        cancelled/cancelled; as write_file_atomically
/// cost:  minutes: a run of each embedder for each of its layers and up to 32 crops; for each layer
///        of the detector up to 64 photos are decoded and searched for faces
[[nodiscard]] Result<QuantizedNetworks> quantize_networks(const vision::PipelineSpec& spec,
                                                          const RangePhotos& photos,
                                                          const std::filesystem::path& scratch,
                                                          const BeginPhase& begin_phase);

}  // namespace faceforge::evaluate
