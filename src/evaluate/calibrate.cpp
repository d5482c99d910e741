#include "evaluate/calibrate.h"

#include <array>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "base/check.h"
#include "evaluate/similarity_histogram.h"
#include "evaluate/worst_pairs.h"

namespace faceforge::evaluate {
namespace {

/// What a card can say and read back unchanged; far finer than the fit is sure of.
double to_nine_digits(double value) {
  return std::stod(fmt::format("{:.9g}", value));
}

constexpr size_t kLookAlikeCount = 20;
constexpr double kTailStart = 0.01;  ///< rates up to this one are the tail

/// A photo's embedding and where it stands, flat, so that pairs are two nested loops.
struct FlatPhoto {
  std::span<const float> values;
  size_t person_index = 0;
  const std::string* name = nullptr;
};

std::vector<FlatPhoto> flatten(std::span<const PersonEmbeddings> people) {
  std::vector<FlatPhoto> photos;
  for (size_t person_index = 0; person_index < people.size(); ++person_index) {
    const PersonEmbeddings& person = people[person_index];
    CHECK(person.photos.size() == person.embeddings.size());
    for (size_t i = 0; i < person.embeddings.size(); ++i) {
      photos.push_back({person.embeddings[i].values, person_index, &person.photos[i]});
    }
  }
  return photos;
}

/// 0.1, 0.05, 0.02, 0.01, ...: those behind which enough errors stand, with their thresholds.
std::vector<MeasuredRate> measure_rates(const SimilarityHistogram& impostors) {
  std::vector<MeasuredRate> rates;
  for (int step = 0;; ++step) {
    constexpr std::array kNumerators{10.0, 5.0,
                                     2.0};  // divided, 0.02 is the nearest double to 0.02
    const double rate = kNumerators[static_cast<size_t>(step % 3)] / std::pow(10.0, 2 + step / 3);
    const int64_t allowed_count = allowed_errors(rate, impostors.total_count());
    if (allowed_count < kErrorsBehindARate) return rates;
    const float match_threshold = impostors.threshold_reached_by(allowed_count);
    // Equal similarities can make two rates share a threshold; it keeps the rarer promise.
    if (!rates.empty() && rates.back().match_threshold == match_threshold) rates.pop_back();
    rates.push_back({rate, match_threshold, impostors.count_reaching(match_threshold)});
  }
}

/// Mean similarity of a photo to its person's others.
float similarity_to_others(const PersonEmbeddings& person, size_t photo) {
  double sum = 0;
  for (size_t i = 0; i < person.embeddings.size(); ++i) {
    if (i == photo) continue;
    const auto& [model_id, metric, values] = person.embeddings[i];
    sum += double{face::similarity(person.embeddings[photo].values, values, metric)};
  }
  return static_cast<float>(sum / static_cast<double>(person.embeddings.size() - 1));
}

/// Of every photo to the template of its person's others, compared as a gallery compares.
std::vector<double> own_similarities(std::span<const PersonEmbeddings> people) {
  std::vector<double> similarities;
  for (const PersonEmbeddings& person : people) {
    if (person.embeddings.size() < 2) continue;
    for (size_t photo = 0; photo < person.embeddings.size(); ++photo) {
      similarities.push_back(double{similarity_to_others(person, photo)});
    }
  }
  return similarities;
}

struct Spread {
  double mean = 0;
  double standard_deviation = 0;
};

Spread spread_of(const std::vector<double>& numbers) {
  Spread spread;
  const auto count = static_cast<double>(numbers.size());
  for (const double number : numbers) spread.mean += number / count;
  for (const double number : numbers) {
    spread.standard_deviation += std::pow(number - spread.mean, 2) / (count - 1);
  }
  spread.standard_deviation = std::sqrt(spread.standard_deviation);
  return spread;
}

Result<void> check_own_similarities(size_t count) {
  if (count >= kMinOwnSimilarities) return {};
  return fail(ErrorCode::InvalidInput, "too_few_photos_per_person",
              "{} photos of people with several photos; {} are needed for the ambiguity margin",
              count, kMinOwnSimilarities);
}

Result<void> check_impostor_pairs(int64_t count) {
  if (count >= kMinImpostorPairs) return {};
  return fail(ErrorCode::InvalidInput, "too_few_impostor_pairs",
              "{} pairs of photos of different people; at least {} are needed", count,
              kMinImpostorPairs);
}

Result<void> measure_margin(std::span<const PersonEmbeddings> people, CalibrationReport& report) {
  const auto similarities = own_similarities(people);
  TRY(check_own_similarities(similarities.size()));
  const Spread spread = spread_of(similarities);
  report.own_similarity_count = similarities.size();
  report.own_similarity_mean = spread.mean;
  report.calibration.ambiguity_margin = static_cast<float>(2 * spread.standard_deviation);
  return {};
}

Result<void> measure_impostors(const std::vector<FlatPhoto>& photos, face::Metric metric,
                               const std::stop_token& stop, CalibrationReport& report) {
  SimilarityHistogram impostors;
  WorstPairs most_alike(WorstPairs::Order::MostSimilar, kLookAlikeCount);
  for (size_t i = 0; i < photos.size(); ++i) {
    if (stop.stop_requested()) {
      return fail(ErrorCode::Cancelled, "cancelled", "stopped after the pairs of {} of {} photos",
                  i, photos.size());
    }
    for (size_t j = i + 1; j < photos.size(); ++j) {
      if (photos[i].person_index == photos[j].person_index) continue;
      const float similarity = face::similarity(photos[i].values, photos[j].values, metric);
      impostors.add(similarity);
      most_alike.see({i, j, similarity});
    }
  }
  TRY(check_impostor_pairs(impostors.total_count()));
  report.rates = measure_rates(impostors);
  for (const auto& [first, second, similarity] : most_alike.take()) {
    report.look_alikes.push_back({*photos[first].name, *photos[second].name, similarity});
  }
  report.calibration.impostor_pair_count = impostors.total_count();
  return {};
}

Result<void> describe_tail(CalibrationReport& report) {
  std::vector<MeasuredRate> rare;
  for (const MeasuredRate& rate : report.rates) {
    report.calibration.points.push_back({rate.false_match_rate, rate.match_threshold});
    if (rate.false_match_rate <= kTailStart * (1 + 1e-9)) rare.push_back(rate);
  }
  if (rare.size() < 3) {
    return fail(ErrorCode::InvalidInput, "tail_not_falling",
                "the impostor similarities take too few different values");
  }
  const Tail tail = TRY(fit_tail(rare, report.calibration.impostor_pair_count));
  report.calibration.tail_intercept = to_nine_digits(tail.intercept);
  report.calibration.tail_slope = to_nine_digits(tail.slope);
  report.calibration.tail_curvature = to_nine_digits(tail.curvature);
  return {};
}

}  // namespace

Result<CalibrationReport> calibrate(std::span<const PersonEmbeddings> people,
                                    const std::stop_token& stop) {
  const auto photos = flatten(people);
  if (photos.size() > kPeoplePhotoLimit) {
    return fail(ErrorCode::TooLarge, "too_many_photos", "{} photos; the limit is {}", photos.size(),
                kPeoplePhotoLimit);
  }
  CalibrationReport report;
  const face::Embedding* any = nullptr;
  for (const PersonEmbeddings& person : people) {
    report.person_count += person.embeddings.empty() ? 0 : 1;
    for (const face::Embedding& embedding : person.embeddings) {
      if (any == nullptr) any = &embedding;
      CHECK(embedding.model_id == any->model_id);
    }
  }
  report.photo_count = photos.size();
  const face::Metric metric = any == nullptr ? face::Metric::Cosine : any->metric;
  if (any != nullptr) report.calibration.model_id = any->model_id;
  TRY(measure_impostors(photos, metric, stop, report));
  TRY(measure_margin(people, report));
  TRY(describe_tail(report));
  return report;
}

Result<void> check_enough_people(const PeopleFolder& people) {
  std::vector<size_t> photo_counts(people.people.size());
  for (const PeopleFolder::Photo& photo : people.photos) ++photo_counts[photo.person_index];
  const auto all = static_cast<int64_t>(people.photos.size());
  int64_t impostor_pair_count = all * (all - 1) / 2;
  size_t own_similarity_count = 0;
  for (const size_t count : photo_counts) {
    impostor_pair_count -= static_cast<int64_t>(count * (count - 1) / 2);
    if (count > 1) own_similarity_count += count;
  }
  TRY(check_impostor_pairs(impostor_pair_count));
  return check_own_similarities(own_similarity_count);
}

Result<CalibrationReport> calibrate_folder(const vision::Pipeline& pipeline,
                                           const std::filesystem::path& images,
                                           const std::set<std::string>& excluded_people,
                                           const Supervision& supervision) {
  PeopleEmbeddings embedded = TRY(embed_people(pipeline, images, excluded_people, supervision));
  CalibrationReport report = TRY(calibrate(embedded.people, supervision.stop));
  report.faceless = std::move(embedded.faceless);
  report.unusable = std::move(embedded.unusable);
  return report;
}

}  // namespace faceforge::evaluate
