#include "evaluate/photo_embeddings.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <system_error>
#include <thread>

#include "base/check.h"
#include "base/file.h"
#include "base/without_throwing.h"
#include "vision/photo_look.h"

namespace faceforge::evaluate {

Result<PhotoEmbedding> embed_central_face(const vision::Pipeline& pipeline,
                                          std::span<const std::byte> file,
                                          const image::DecodeLimits& limits) {
  auto [photo, faces] = TRY(vision::look_at(pipeline, file, limits));
  if (faces.empty()) {
    faces = TRY(pipeline.detect(photo, {.min_detection_score = kSecondDetectionScore}));
  }
  if (faces.empty()) return PhotoEmbedding{};
  const size_t face_index = vision::central_face_index(faces, photo.width_px, photo.height_px);
  const auto crop = pipeline.align(photo, faces[face_index]);
  if (!crop) {
    if (crop.error().reason == "degenerate_landmarks") return PhotoEmbedding{};
    return Unexpected(crop.error());
  }
  auto embeddings = TRY(pipeline.embed({&*crop, 1}));
  return PhotoEmbedding{.embedding = std::move(embeddings.front())};
}

Result<std::vector<Result<PhotoEmbedding>>> embed_photos(
    std::span<const std::filesystem::path> files, const EmbedPhotoFile& embed_file,
    size_t thread_count, const Supervision& supervision) {
  CHECK(thread_count > 0);
  std::vector<Result<PhotoEmbedding>> results(files.size());
  std::atomic<size_t> next_index = 0;
  std::mutex report_mutex;
  size_t done_count = 0;
  const auto work = [&] {
    while (!supervision.stop.stop_requested()) {
      const size_t file_index = next_index.fetch_add(1);
      if (file_index >= files.size()) return;
      results[file_index] = without_throwing([&] { return embed_file(files[file_index]); });
      const std::scoped_lock lock(report_mutex);
      ++done_count;
      if (supervision.report) supervision.report(done_count, files.size());
    }
  };
  {
    std::vector<std::jthread> threads;
    try {
      for (size_t i = 1; i < std::min(thread_count, files.size()); ++i) threads.emplace_back(work);
    } catch (const std::system_error&) {
      // Fewer threads do it too.
    }
    work();
  }
  if (done_count < files.size()) {
    return fail(ErrorCode::Cancelled, "cancelled", "stopped after {} of {} photos", done_count,
                files.size());
  }
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
  return embed_photos(files, embed_file, std::max(1U, std::thread::hardware_concurrency()),
                      supervision);
}

}  // namespace faceforge::evaluate
