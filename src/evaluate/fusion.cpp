#include "evaluate/fusion.h"

#include <cmath>
#include <utility>

#include "base/check.h"

namespace faceforge::evaluate {
namespace {

using vision::EmbedderSpec;
using vision::OutputNormalization;

/// Mean and standard deviation of numbers that come one by one.
/// source: Welford 1962
class RunningSpread {
 public:
  void add(double number) {
    ++count_;
    const double difference = number - mean_;
    mean_ += difference / static_cast<double>(count_);
    square_sum_ += difference * (number - mean_);
  }
  [[nodiscard]] int64_t count() const { return count_; }
  [[nodiscard]] double mean() const { return mean_; }
  [[nodiscard]] double standard_deviation() const {
    return count_ > 1 ? std::sqrt(square_sum_ / static_cast<double>(count_ - 1)) : 0;
  }

 private:
  int64_t count_ = 0;
  double mean_ = 0;
  double square_sum_ = 0;
};

/// One embedder's part of every photo, finished as its specification says, but not weighted.
struct Part {
  size_t length = 0;
  std::vector<float> output_mean;
  std::vector<std::vector<float>> photos;
};

std::vector<float> mean_of(const std::vector<std::vector<float>>& photos, size_t length) {
  std::vector<double> sum(length);
  for (const auto& photo : photos) {
    for (size_t i = 0; i < length; ++i) sum[i] += double{photo[i]};
  }
  std::vector<float> mean(length);
  for (size_t i = 0; i < length; ++i) {
    mean[i] = static_cast<float>(sum[i] / static_cast<double>(photos.size()));
  }
  return mean;
}

Result<Part> part_of(std::span<const PersonEmbeddings> people, const EmbedderSpec& embedder,
                     size_t begin) {
  Part part{.length = static_cast<size_t>(embedder.output_length), .output_mean = {}, .photos = {}};
  for (const PersonEmbeddings& person : people) {
    for (const face::Embedding& embedding : person.embeddings) {
      CHECK(embedding.values.size() >= begin + part.length);
      const auto values = std::span(embedding.values).subspan(begin, part.length);
      part.photos.emplace_back(values.begin(), values.end());
    }
  }
  if (embedder.normalization == OutputNormalization::None) return part;
  part.output_mean = mean_of(part.photos, part.length);
  for (std::vector<float>& photo : part.photos) {
    for (size_t i = 0; i < part.length; ++i) photo[i] -= part.output_mean[i];
    if (!face::normalize(photo)) {
      return fail(ErrorCode::InvalidInput, "fusion_degenerate",
                  "{} gives a photo exactly the mean of all, which has no direction",
                  embedder.file.filename().string());
    }
  }
  return part;
}

double squared_distance(const std::vector<float>& a, const std::vector<float>& b) {
  float sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return double{sum};
}

/// The distances between all photos, of strangers and of one person.
struct PairSpreads {
  RunningSpread impostors;
  RunningSpread genuine;
};

Result<PairSpreads> pair_spreads(const Part& part, const std::vector<size_t>& person_of_photo,
                                 const std::stop_token& stop) {
  PairSpreads spreads;
  for (size_t i = 0; i < part.photos.size(); ++i) {
    if (stop.stop_requested()) {
      return fail(ErrorCode::Cancelled, "cancelled", "stopped after the pairs of {} of {} photos",
                  i, part.photos.size());
    }
    for (size_t j = i + 1; j < part.photos.size(); ++j) {
      const bool same = person_of_photo[i] == person_of_photo[j];
      (same ? spreads.genuine : spreads.impostors)
          .add(squared_distance(part.photos[i], part.photos[j]));
    }
  }
  return spreads;
}

}  // namespace

Result<FusionReport> fit_fusion(std::span<const PersonEmbeddings> people,
                                std::span<const EmbedderSpec> embedders,
                                const std::stop_token& stop) {
  std::vector<size_t> person_of_photo;
  for (size_t person = 0; person < people.size(); ++person) {
    person_of_photo.insert(person_of_photo.end(), people[person].embeddings.size(), person);
  }
  FusionReport report;
  report.photo_count = person_of_photo.size();
  size_t begin = 0;
  double strangers_apart = 0;  // mean squared distance over all embedders
  for (const EmbedderSpec& embedder : embedders) {
    Part part = TRY(part_of(people, embedder, begin));
    begin += part.length;
    const PairSpreads spreads = TRY(pair_spreads(part, person_of_photo, stop));
    report.impostor_pair_count = spreads.impostors.count();
    report.genuine_pair_count = spreads.genuine.count();
    if (report.impostor_pair_count < kMinFusionPairs) {
      return fail(ErrorCode::InvalidInput, "too_few_impostor_pairs",
                  "{} pairs of photos of different people; at least {} are needed",
                  report.impostor_pair_count, kMinFusionPairs);
    }
    const double deviation = spreads.impostors.standard_deviation();
    if (!(deviation > 1e-9 * spreads.impostors.mean())) {
      return fail(ErrorCode::InvalidInput, "fusion_degenerate",
                  "{} finds all strangers equally far apart", embedder.file.filename().string());
    }
    report.embedders.push_back({.output_mean = std::move(part.output_mean),
                                .weight = static_cast<float>(1 / std::sqrt(deviation)),
                                .impostor_mean = spreads.impostors.mean(),
                                .impostor_standard_deviation = deviation,
                                .genuine_mean = spreads.genuine.mean()});
    strangers_apart += spreads.impostors.mean() / deviation;
    if (embedder.normalization == OutputNormalization::None) report.metric = face::Metric::L2;
  }
  // Similarity is 1 - d^2 / 2, so a mean squared distance of 2 is a mean similarity of 0.
  for (FusedEmbedder& embedder : report.embedders) {
    embedder.weight *= static_cast<float>(std::sqrt(2 / strangers_apart));
  }
  return report;
}

Result<FusionReport> fit_fusion_folder(const vision::PipelineSpec& spec,
                                       const std::filesystem::path& images,
                                       const std::set<std::string>& excluded_people,
                                       const Supervision& supervision) {
  vision::PipelineSpec raw = spec;
  raw.metric = face::Metric::L2;
  for (EmbedderSpec& embedder : raw.embedders) {
    embedder.output_mean.clear();
    embedder.normalization = OutputNormalization::None;
    embedder.weight = 1;
  }
  const auto pipeline = TRY(vision::Pipeline::load(raw));
  PeopleEmbeddings embedded = TRY(embed_people(*pipeline, images, excluded_people, supervision));
  FusionReport report = TRY(fit_fusion(embedded.people, spec.embedders, supervision.stop));
  report.faceless = std::move(embedded.faceless);
  report.unusable = std::move(embedded.unusable);
  return report;
}

}  // namespace faceforge::evaluate
