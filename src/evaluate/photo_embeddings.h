#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/parallel_work.h"
#include "base/result.h"
#include "face/embedding.h"
#include "face/quality.h"
#include "image/image.h"
#include "vision/pipeline.h"

namespace faceforge::evaluate {

/// What a photo gave.
struct PhotoEmbedding {
  std::optional<face::Embedding> embedding;   ///< nothing when no face was found
  std::optional<face::Quality> quality = {};  ///< of the face that was embedded
};

/// Who is shown what the networks look at.
struct InputObservers {
  vision::InputObserver on_detector_input = {};  ///< of the search at the card's detection score
  vision::InputObserver on_embedder_input = {};
};

/// Embeds the central face of a photo.
///
/// out:    no embedding when `vision::find_central_face` finds none
/// fails:  as `vision::find_central_face` and `Pipeline::embed`, and the observers
[[nodiscard]] Result<PhotoEmbedding> embed_central_face(const vision::Pipeline& pipeline,
                                                        std::span<const std::byte> file,
                                                        const image::DecodeLimits& limits = {},
                                                        const InputObservers& observers = {});

using EmbedPhotoFile = std::function<Result<PhotoEmbedding>(const std::filesystem::path&)>;

/// Embeds every file once, on as many threads as asked for.
///
/// out:    one entry a file, in order: what `embed_file` said of it
/// fails:  cancelled/cancelled when asked to stop; what is begun is finished first
/// cost:   one photo in memory a thread
[[nodiscard]] Result<std::vector<Result<PhotoEmbedding>>> embed_photos(
    std::span<const std::filesystem::path> files, const EmbedPhotoFile& embed_file,
    size_t thread_count, const Supervision& supervision);

/// Reads each file and embeds its central face, on every core.
[[nodiscard]] Result<std::vector<Result<PhotoEmbedding>>> embed_photos(
    const vision::Pipeline& pipeline, std::span<const std::filesystem::path> files,
    const Supervision& supervision);

}  // namespace faceforge::evaluate
