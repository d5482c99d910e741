#include "evaluate/identification.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <span>

#include "base/check.h"
#include "evaluate/similarity_histogram.h"
#include "gallery/gallery_model.h"
#include "gallery/snapshot.h"
#include "gallery/train.h"

namespace faceforge::evaluate {
namespace {

/// A person of a gallery and the photos that are searched for in it.
struct EnrolledPerson {
  gallery::ModelPerson person;  ///< without a mean where enrollment failed
  std::vector<size_t> mated_photos;
};

struct Split {
  std::vector<EnrolledPerson> enrolled;
  std::vector<size_t> non_mated_photos;
};

/// What the searches of one size gave.
struct Searches {
  SimilarityHistogram strangers;  ///< the best candidates of non-mated searches
  SimilarityHistogram found;      ///< of mated searches that gave their person first
  int64_t mated_count = 0;
  int64_t non_mated_count = 0;
  std::array<int64_t, kReportedRanks.size()> rank_hits{};
};

const face::Embedding& any_embedding(const LabelledPhotos& photos) {
  const auto found =
      std::ranges::find_if(photos.photos, [](const auto& photo) { return !!photo.embedding; });
  CHECK(found != photos.photos.end());
  return *found->embedding;
}

/// The template of some photos, as a gallery makes it.
gallery::ModelPerson enroll(const LabelledPhotos& photos, std::span<const size_t> chosen,
                            const std::string& name) {
  gallery::ModelPerson person{.name = name};
  const face::Embedding& any = any_embedding(photos);
  gallery::TemplateSum sum(any.values.size());
  for (const size_t photo : chosen) {
    if (photos.photos[photo].embedding) sum.add(photos.photos[photo].embedding->values);
  }
  person.photo_count = sum.count();
  person.mean = sum.mean(any.metric);
  person.spread = sum.spread(any.metric);
  return person;
}

Result<Split> split(const LabelledPhotos& photos, const IdentificationOptions& options) {
  Split split;
  std::vector<std::vector<size_t>> by_person = photos.photos_by_person();
  std::vector<size_t> enrollable;
  for (size_t person = 0; person < by_person.size(); ++person) {
    if (by_person[person].size() > 1) {
      enrollable.push_back(person);
    } else {
      split.non_mated_photos.insert(split.non_mated_photos.end(), by_person[person].begin(),
                                    by_person[person].end());
    }
  }
  if (enrollable.size() < 2) {
    return fail(ErrorCode::InvalidInput, "too_few_people",
                "{} people have two photos or more; at least 2 are needed: one to enroll, and one "
                "as a stranger",
                enrollable.size());
  }
  std::mt19937_64 random(options.seed);
  std::ranges::shuffle(enrollable, random);
  const auto wanted = options.enrolled_share * static_cast<double>(enrollable.size());
  const auto enrolled_count =
      std::clamp<size_t>(static_cast<size_t>(std::lround(wanted)), 1, enrollable.size() - 1);
  for (size_t place = 0; place < enrollable.size(); ++place) {
    std::vector<size_t>& own = by_person[enrollable[place]];
    if (place >= enrolled_count) {
      split.non_mated_photos.insert(split.non_mated_photos.end(), own.begin(), own.end());
      continue;
    }
    std::ranges::shuffle(own, random);
    const size_t template_count = std::min(options.photos_per_template, own.size() - 1);
    const auto chosen = std::span(own).first(template_count);
    split.enrolled.push_back({enroll(photos, chosen, photos.people[enrollable[place]]),
                              {own.begin() + static_cast<ptrdiff_t>(template_count), own.end()}});
  }
  return split;
}

/// A gallery of these people but those of whom enrollment failed.
gallery::Snapshot make_gallery(const face::Embedding& any,
                               std::span<const EnrolledPerson> enrolled) {
  gallery::GalleryModel model{.model_id = any.model_id,
                              .metric = any.metric,
                              .embedding_length = static_cast<int64_t>(any.values.size())};
  for (const EnrolledPerson& one : enrolled) {
    if (!one.person.mean.empty()) model.people.push_back(one.person);
  }
  return gallery::Snapshot(model);
}

/// Searches for every photo in a gallery of `enrolled`.
Result<void> search(const LabelledPhotos& photos, std::span<const EnrolledPerson> enrolled,
                    std::span<const size_t> non_mated_photos, const std::stop_token& stop,
                    Searches& searches) {
  const gallery::Snapshot gallery = make_gallery(any_embedding(photos), enrolled);
  for (const size_t photo : non_mated_photos) {
    ++searches.non_mated_count;
    const auto& embedding = photos.photos[photo].embedding;
    if (!embedding) continue;
    const auto candidates = TRY(gallery.nearest(*embedding, 1));
    if (!candidates.empty()) searches.strangers.add(candidates.front().similarity);
  }
  for (const EnrolledPerson& one : enrolled) {
    if (stop.stop_requested()) {
      return fail(ErrorCode::Cancelled, "cancelled", "stopped while searching galleries");
    }
    for (const size_t photo : one.mated_photos) {
      ++searches.mated_count;
      const auto& embedding = photos.photos[photo].embedding;
      if (!embedding) continue;
      const auto candidates = TRY(gallery.nearest(*embedding, kReportedRanks.back()));
      const auto own = std::ranges::find(candidates, one.person.name, &gallery::Candidate::person);
      if (own == candidates.end()) continue;
      const auto rank = static_cast<size_t>(own - candidates.begin()) + 1;
      if (rank == 1) searches.found.add(own->similarity);
      for (size_t index = 0; index < kReportedRanks.size(); ++index) {
        if (rank <= kReportedRanks[index]) ++searches.rank_hits[index];
      }
    }
  }
  return {};
}

FnirAtFpir rate_at(const Searches& searches, double false_positive_identification_rate) {
  FnirAtFpir rate{.false_positive_identification_rate = false_positive_identification_rate};
  if (!is_measurable(false_positive_identification_rate, searches.non_mated_count)) return rate;
  const float match_threshold = searches.strangers.threshold_reached_by(
      allowed_errors(false_positive_identification_rate, searches.non_mated_count));
  rate.measured = {match_threshold,
                   {searches.strangers.count_reaching(match_threshold), searches.non_mated_count},
                   {searches.mated_count - searches.found.count_reaching(match_threshold),
                    searches.mated_count}};
  return rate;
}

GallerySizeResult result_of(const Searches& searches, size_t person_count, size_t gallery_count) {
  GallerySizeResult result{.person_count = person_count, .gallery_count = gallery_count};
  for (const double rate : kFalsePositiveIdentificationRates) {
    result.rates.push_back(rate_at(searches, rate));
  }
  for (size_t index = 0; index < kReportedRanks.size(); ++index) {
    result.rank_misses[index] = {searches.mated_count - searches.rank_hits[index],
                                 searches.mated_count};
  }
  return result;
}

IdentificationReport describe(const LabelledPhotos& photos, const Split& split) {
  IdentificationReport report{.enrolled_person_count = split.enrolled.size(),
                              .non_mated_photo_count = split.non_mated_photos.size()};
  report.stranger_count = photos.people.size() - split.enrolled.size();
  const auto is_failure = [&](size_t photo) { return !photos.photos[photo].embedding; };
  const auto failures = [&](const std::vector<size_t>& searched) {
    return static_cast<size_t>(std::ranges::count_if(searched, is_failure));
  };
  report.failure_to_acquire_count = failures(split.non_mated_photos);
  for (const EnrolledPerson& one : split.enrolled) {
    report.mated_photo_count += one.mated_photos.size();
    report.failure_to_acquire_count += failures(one.mated_photos);
    if (one.person.mean.empty()) ++report.failure_to_enroll_count;
  }
  return report;
}

}  // namespace

std::vector<size_t> gallery_sizes(size_t person_count) {
  std::vector<size_t> sizes;
  for (size_t decade = 10; decade < person_count; decade *= 10) {
    for (const size_t factor : {1, 2, 5}) {
      if (factor * decade < person_count) sizes.push_back(factor * decade);
    }
  }
  sizes.push_back(person_count);
  return sizes;
}

Result<IdentificationReport> measure_identification(const LabelledPhotos& photos,
                                                    const IdentificationOptions& options,
                                                    const Supervision& supervision) {
  const Split parts = TRY(split(photos, options));
  IdentificationReport report = describe(photos, parts);
  const std::vector<size_t> sizes = gallery_sizes(parts.enrolled.size());
  for (const size_t size : sizes) {
    const size_t gallery_count = std::min(options.gallery_limit, parts.enrolled.size() / size);
    Searches searches;
    for (size_t index = 0; index < gallery_count; ++index) {
      TRY(search(photos, std::span(parts.enrolled).subspan(index * size, size),
                 parts.non_mated_photos, supervision.stop, searches));
    }
    report.sizes.push_back(result_of(searches, size, gallery_count));
    if (supervision.report) supervision.report(report.sizes.size(), sizes.size());
  }
  return report;
}

}  // namespace faceforge::evaluate
