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

/// The list's pairs by who is on them, people numbered by name.
std::vector<PersonPair> person_pairs(const PairList& list) {
  std::map<std::string, uint32_t> index_of;
  for (const std::string& person : people_of(list)) {
    index_of.emplace(person, static_cast<uint32_t>(index_of.size()));
  }
  std::vector<PersonPair> pairs;
  pairs.reserve(list.pairs.size());
  for (const Pair& pair : list.pairs) {
    pairs.push_back({index_of.at(pair.first.person), index_of.at(pair.second.person), pair.kind});
  }
  return pairs;
}

/// Adds what does not depend on folds: error rates and the intervals of the figures.
Result<void> measure_rates(const PairList& list, std::span<const ComparedPair> compared,
                           const std::stop_token& stop, PairsReport& report) {
  ComparisonCounts counts;
  std::vector<float> similarities;
  for (const ComparedPair& pair : compared) {
    counts.add(pair.kind, pair.similarity);
    similarities.push_back(pair.similarity);
  }
  report.fnmr_at_fmr = fnmr_at_fmr(counts);
  const std::vector<PersonPair> pairs = person_pairs(list);
  const PersonBootstrap bootstrap(
      pairs, people_of(list).size(),
      {.false_match_rates = {kReportedFalseMatchRates.begin(), kReportedFalseMatchRates.end()}});
  const BootstrappedCurve curve = TRY(bootstrap.summarize(similarities, stop));
  report.equal_error_rate = curve.measured.equal_error_rate;
  if (!curve.draws.empty()) report.intervals = intervals_of(curve);
  return {};
}

}  // namespace

Result<ComparedPairs> compare_pairs(const vision::Pipeline& pipeline,
                                    const std::filesystem::path& images, const PairList& list,
                                    const Supervision& supervision) {
  const PhotoSet photos = TRY(photos_of(list, images));
  const auto start = std::chrono::steady_clock::now();
  const auto results = TRY(embed_photos(pipeline, photos.files, supervision));
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;

  ComparedPairs compared;
  compared.photo_count = photos.files.size();
  compared.images_per_second = static_cast<double>(photos.files.size()) / elapsed.count();
  for (size_t i = 0; i < results.size(); ++i) {
    if (!results[i]) {
      return fail(ErrorCode::InvalidInput, "photo_unusable", "`{}`: {}: {}",
                  photos.files[i].string(), results[i].error().reason, results[i].error().message);
    }
    if (!results[i]->embedding) ++compared.failures_to_detect;
  }
  compared.pairs.reserve(list.pairs.size());
  for (const Pair& pair : list.pairs) {
    const auto& first = *results[photos.index_of.at(pair.first)];
    const auto& second = *results[photos.index_of.at(pair.second)];
    const auto similarity = TRY(compare(first, second));
    compared.pairs.push_back({similarity, pair.kind, pair.fold_index});
  }
  return compared;
}

Result<PairsReport> evaluate_pairs(const vision::Pipeline& pipeline,
                                   const std::filesystem::path& images, const PairList& list,
                                   const Supervision& supervision) {
  const ComparedPairs compared = TRY(compare_pairs(pipeline, images, list, supervision));
  PairsReport report;
  report.model_id = pipeline.model_id();
  report.pair_count = list.pairs.size();
  report.photo_count = compared.photo_count;
  report.failures_to_detect = compared.failures_to_detect;
  report.images_per_second = compared.images_per_second;
  report.metrics =
      TRY(measure_verification(compared.pairs, list.fold_count, kReportedFalseMatchRates));
  TRY(measure_rates(list, compared.pairs, supervision.stop, report));
  return report;
}

}  // namespace faceforge::evaluate
