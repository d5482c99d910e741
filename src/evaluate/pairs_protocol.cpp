#include "evaluate/pairs_protocol.h"

#include <algorithm>
#include <chrono>
#include <map>

namespace faceforge::evaluate {
namespace {

constexpr float kSimilarityWithoutAFace = -1;

/// The photos of a list, each once, and where to find their embeddings.
struct PhotoSet {
  std::vector<std::filesystem::path> files;
  std::map<PhotoName, size_t> index_of;
};

Result<PhotoSet> photos_of(const PairList& list, const std::filesystem::path& images) {
  PhotoSet photos;
  for (const Pair& pair : list.pairs) {
    for (const PhotoName& name : {pair.first, pair.second}) {
      if (photos.index_of.contains(name)) continue;
      photos.files.push_back(TRY(photo_file(images, name)));
      photos.index_of.emplace(name, photos.files.size() - 1);
    }
  }
  return photos;
}

Result<float> compare(const PhotoEmbedding& first, const PhotoEmbedding& second) {
  if (!first.embedding || !second.embedding) return kSimilarityWithoutAFace;
  return face::similarity(*first.embedding, *second.embedding);
}

}  // namespace

Result<PairsReport> evaluate_pairs(const vision::Pipeline& pipeline,
                                   const std::filesystem::path& images, const PairList& list,
                                   const Supervision& supervision) {
  const PhotoSet photos = TRY(photos_of(list, images));
  const auto start = std::chrono::steady_clock::now();
  const auto results = TRY(embed_photos(pipeline, photos.files, supervision));
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;

  PairsReport report;
  report.model_id = pipeline.model_id();
  report.pair_count = list.pairs.size();
  report.photo_count = photos.files.size();
  for (size_t i = 0; i < results.size(); ++i) {
    if (!results[i]) {
      return fail(ErrorCode::InvalidInput, "photo_unusable", "`{}`: {}: {}",
                  photos.files[i].string(), results[i].error().reason, results[i].error().message);
    }
    if (!results[i]->embedding) ++report.failures_to_detect;
  }
  std::vector<ComparedPair> compared;
  compared.reserve(list.pairs.size());
  for (const Pair& pair : list.pairs) {
    const auto& first = *results[photos.index_of.at(pair.first)];
    const auto& second = *results[photos.index_of.at(pair.second)];
    const auto similarity = TRY(compare(first, second));
    compared.push_back({similarity, pair.kind, pair.fold_index});
  }
  report.metrics = TRY(measure_verification(compared, list.fold_count, kReportedFalseMatchRates));
  report.images_per_second = static_cast<double>(report.photo_count) / elapsed.count();
  return report;
}

}  // namespace faceforge::evaluate
