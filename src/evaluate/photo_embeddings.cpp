#include "evaluate/photo_embeddings.h"

#include "base/file.h"
#include "base/without_throwing.h"
#include "vision/central_face.h"

namespace faceforge::evaluate {

Result<PhotoEmbedding> embed_central_face(const vision::Pipeline& pipeline,
                                          std::span<const std::byte> file,
                                          const image::DecodeLimits& limits,
                                          const InputObservers& observers) {
  const auto central =
      TRY(vision::find_central_face(pipeline, file, limits, observers.on_detector_input));
  if (!central) return PhotoEmbedding{};
  auto embeddings = TRY(pipeline.embed({&central->aligned, 1}, observers.on_embedder_input));
  return PhotoEmbedding{
      .embedding = std::move(embeddings.front()),
      .quality = pipeline.quality(central->photo, central->face, central->aligned)};
}

Result<std::vector<Result<PhotoEmbedding>>> embed_photos(
    std::span<const std::filesystem::path> files, const EmbedPhotoFile& embed_file,
    size_t thread_count, const Supervision& supervision) {
  std::vector<Result<PhotoEmbedding>> results(files.size());
  const auto work = [&](size_t index) {
    results[index] = without_throwing([&] { return embed_file(files[index]); });
  };
  TRY(work_through(files.size(), work, thread_count, supervision));
  return results;
}

Result<std::vector<Result<PhotoEmbedding>>> embed_photos(
    const vision::Pipeline& pipeline, std::span<const std::filesystem::path> files,
    const Supervision& supervision) {
  const image::DecodeLimits limits;
  const auto embed_file = [&](const std::filesystem::path& file) -> Result<PhotoEmbedding> {
    const auto bytes = TRY(read_file(file, limits.bytes));
    return embed_central_face(pipeline, bytes, limits);
  };
  return embed_photos(files, embed_file, every_core(), supervision);
}

}  // namespace faceforge::evaluate
