#include "gallery/head_trial.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>
#include <random>
#include <utility>

#include "base/check.h"
#include "gallery/head_calibration.h"
#include "gallery/internal/shuffle.h"
#include "gallery/match_policy.h"
#include "gallery/model_file.h"
#include "gallery/snapshot.h"
#include "gallery/train.h"

namespace faceforge::gallery {
namespace {

constexpr size_t kFolds = 5;
constexpr size_t kTrainings = 2 * kFolds + 1;
constexpr size_t kMaxStrangerPairs = 2'000'000;

/// A photo of the gallery, by its places there.
struct PhotoPlace {
  size_t person = 0;
  size_t reference = 0;
  std::optional<size_t> fold{};  ///< when it is asked; nothing: its person has no other photo
};

/// Evenly chosen, the first and the last among them.
std::vector<size_t> evenly(size_t count, size_t wanted) {
  std::vector<size_t> chosen;
  for (size_t i = 0; i < std::min(count, wanted); ++i) {
    chosen.push_back(count <= wanted ? i : i * (count - 1) / (wanted - 1));
  }
  return chosen;
}

/// How one photo's question was answered.
struct Answer {
  bool is_right = false;  ///< the nearest person is their own
  float nearest = 0;      ///< similarity to the nearest person
  float own = 0;          ///< similarity to their own
};

/// What one head, trained without some people, makes of these strangers.
struct Strangers {
  std::vector<float> without_head{};
  std::vector<float> with_head{};
  int64_t person_pair_count = 0;
};

class Trial {
 public:
  Trial(const GalleryModel& photos, const HeadOptions& options, const Supervision& supervision)
      : gallery_(photos), options_(options), supervision_(supervision) {
    std::mt19937_64 random(options.training.seed);
    for (size_t person = 0; person < photos.people.size(); ++person) {
      auto chosen = evenly(photos.people[person].references.size(), kHeadPhotosAPerson);
      internal::shuffle(chosen, random);
      const size_t first_fold = random() % kFolds;
      for (size_t i = 0; i < chosen.size(); ++i) {
        PhotoPlace place{.person = person, .reference = chosen[i]};
        if (chosen.size() > 1) place.fold = (first_fold + i) % kFolds;
        places_.push_back(place);
      }
    }
    people_.resize(photos.people.size());
    std::iota(people_.begin(), people_.end(), size_t{0});
    internal::shuffle(people_, random);
  }

  Result<HeadOutcome> run() {
    HeadOutcome outcome;
    HeadTrial& trial = outcome.trial;
    trial.fold_count = kFolds;
    trial.person_count = static_cast<int64_t>(gallery_.people.size());
    answers_without_.resize(places_.size());
    answers_with_.resize(places_.size());
    for (size_t fold = 0; fold < kFolds; ++fold) {
      TRY(ask(fold, std::nullopt, answers_without_));
    }
    trial.photo_count = std::ranges::count_if(places_, [](auto& p) { return p.fold.has_value(); });
    trial.without_head = TRY(count(answers_without_, *gallery_.calibration));
    if (trial.without_head.confused_count < kFewestConfusions) return outcome;
    TRY(try_heads());
    PersonalHead head = TRY(make_head());
    trial.with_head = TRY(count(answers_with_, head.calibration));
    for (size_t i = 0; i < places_.size(); ++i) {
      if (!places_[i].fold) continue;
      trial.mended_count += !answers_without_[i].is_right && answers_with_[i].is_right ? 1 : 0;
      trial.spoiled_count += answers_without_[i].is_right && !answers_with_[i].is_right ? 1 : 0;
    }
    if (!trial.is_better()) return outcome;
    head.trial = trial;
    outcome.head = std::move(head);
    return outcome;
  }

 private:
  [[nodiscard]] const std::vector<float>& embedding(const PhotoPlace& place) const {
    return gallery_.people[place.person].references[place.reference].embedding;
  }

  /// The photos of those that `is_wanted` names, of people who then have two or more.
  LabelledEmbeddings photos_of(const auto& is_wanted) const {
    std::vector<size_t> counts(gallery_.people.size());
    for (const PhotoPlace& place : places_) counts[place.person] += is_wanted(place) ? 1 : 0;
    LabelledEmbeddings photos;
    photos.embeddings.column_count = static_cast<size_t>(gallery_.embedding_length);
    for (const PhotoPlace& place : places_) {
      if (!is_wanted(place) || counts[place.person] < 2) continue;
      const auto& values = embedding(place);
      photos.embeddings.values.insert(photos.embeddings.values.end(), values.begin(), values.end());
      photos.people.push_back(place.person);
    }
    photos.embeddings.row_count = photos.people.size();
    return photos;
  }

  Result<FloatTable> train(const auto& is_wanted) const {
    return train_projection(photos_of(is_wanted), gallery_.metric, options_.training,
                            supervision_.stop);
  }

  /// Asks the photos of a fold of a gallery without them.
  Result<void> ask(size_t fold, const std::optional<FloatTable>& matrix,
                   std::vector<Answer>& answers) const {
    GalleryModel model{.model_id = gallery_.model_id,
                       .metric = gallery_.metric,
                       .embedding_length = gallery_.embedding_length,
                       .pack_id = gallery_.pack_id};
    for (const ModelPerson& person : gallery_.people) model.people.push_back({.name = person.name});
    if (matrix) {
      model.head =
          PersonalHead{.model_id = head_model_id(model.model_id, *matrix), .matrix = *matrix};
    }
    std::vector<TemplateSum> sums(model.people.size(),
                                  TemplateSum(static_cast<size_t>(model.embedding_length)));
    for (const PhotoPlace& place : places_) {
      if (place.fold == fold) continue;
      sums[place.person].add(embedding(place));
      model.people[place.person].references.push_back({.embedding = embedding(place)});
    }
    for (size_t person = 0; person < sums.size(); ++person) {
      model.people[person].mean = sums[person].mean(model.metric);
      model.people[person].spread = sums[person].spread(model.metric);
      model.people[person].photo_count = sums[person].count();
      if (!model.people[person].mean.empty()) continue;
      // Photos that cancel out are similar to nobody: so is a template of spread 1.
      model.people[person].mean.resize(static_cast<size_t>(model.embedding_length));
    }
    const Snapshot snapshot(model);
    for (size_t i = 0; i < places_.size(); ++i) {
      const PhotoPlace& place = places_[i];
      if (place.fold != fold) continue;
      const face::Embedding asked{gallery_.model_id, gallery_.metric, embedding(place)};
      const auto nearest = TRY(snapshot.nearest(asked, 1));
      const auto own = TRY(snapshot.compare(asked, gallery_.people[place.person].name));
      answers[i] = {.is_right = nearest.front().person_index == place.person,
                    .nearest = nearest.front().similarity,
                    .own = own.similarity};
    }
    return {};
  }

  Result<HeadAnswers> count(const std::vector<Answer>& answers,
                            const face::Calibration& calibration) const {
    const auto policy = TRY(MatchPolicy::create(calibration));
    const float threshold = policy.identification_threshold(gallery_.people.size()).similarity;
    HeadAnswers counts;
    for (size_t i = 0; i < places_.size(); ++i) {
      if (!places_[i].fold) continue;
      const bool passes = answers[i].nearest >= threshold;
      counts.confused_count += answers[i].is_right ? 0 : 1;
      counts.misnamed_count += !answers[i].is_right && passes ? 1 : 0;
      counts.recognized_count += answers[i].is_right && passes ? 1 : 0;
    }
    return counts;
  }

  /// Trains a head without each fold's photos and asks them, and one without each fifth of the
  /// people, to whom it is a stranger's.
  Result<void> try_heads() {
    strangers_.resize(kFolds);
    std::mutex mutex;
    std::optional<Error> failure;
    const auto work = [&](size_t index) {
      const auto done = index < kFolds ? try_fold(index) : meet_strangers(index - kFolds);
      const std::scoped_lock lock(mutex);
      if (!done && !failure) failure = done.error();
    };
    Supervision part = supervision_;
    if (supervision_.report) {
      part.report = [&](size_t done, size_t) { supervision_.report(done, kTrainings); };
    }
    TRY(work_through(2 * kFolds, work, options_.thread_count, part));
    if (failure) return Unexpected(*failure);
    return {};
  }

  Result<void> try_fold(size_t fold) {
    const auto matrix = TRY(train([&](const PhotoPlace& place) { return place.fold != fold; }));
    return ask(fold, matrix, answers_with_);  // no two folds have a photo in common
  }

  Result<void> meet_strangers(size_t fold) {
    std::vector<bool> is_stranger(gallery_.people.size());
    for (size_t i = fold; i < people_.size(); i += kFolds) is_stranger[people_[i]] = true;
    const auto matrix =
        TRY(train([&](const PhotoPlace& place) { return !is_stranger[place.person]; }));
    const auto by_root = static_cast<size_t>(std::sqrt(kMaxStrangerPairs)) / people_.size();
    const size_t photos_each = std::clamp<size_t>(by_root, 1, kHeadPhotosAPerson);
    std::vector<size_t> taken(gallery_.people.size());
    std::vector<size_t> chosen;
    FloatTable plain{.column_count = static_cast<size_t>(gallery_.embedding_length)};
    for (size_t i = 0; i < places_.size(); ++i) {
      if (taken[places_[i].person]++ >= photos_each) continue;
      chosen.push_back(i);
      const auto& values = embedding(places_[i]);
      plain.values.insert(plain.values.end(), values.begin(), values.end());
    }
    plain.row_count = chosen.size();
    const FloatTable projected = project(matrix, plain, gallery_.metric);
    const auto similarity = [&](const FloatTable& rows, size_t a, size_t b) {
      const std::span values(rows.values);
      return face::similarity(values.subspan(a * rows.column_count, rows.column_count),
                              values.subspan(b * rows.column_count, rows.column_count),
                              gallery_.metric);
    };
    Strangers& strangers = strangers_[fold];
    const auto stranger_count = std::ranges::count(is_stranger, true);
    strangers.person_pair_count =
        stranger_count * (static_cast<int64_t>(people_.size()) - stranger_count);
    for (size_t a = 0; a < chosen.size(); ++a) {
      if (!is_stranger[places_[chosen[a]].person]) continue;
      for (size_t b = 0; b < chosen.size(); ++b) {
        if (is_stranger[places_[chosen[b]].person]) continue;
        strangers.without_head.push_back(similarity(plain, a, b));
        strangers.with_head.push_back(similarity(projected, a, b));
      }
    }
    return {};
  }

  /// The head of all photos, with the calibration that its likes of parts of the people have.
  Result<PersonalHead> make_head() {
    PersonalHead head;
    head.matrix = TRY(train([](const PhotoPlace&) { return true; }));
    if (supervision_.report) supervision_.report(kTrainings, kTrainings);
    head.model_id = head_model_id(gallery_.model_id, head.matrix);
    for (const ModelPerson& person : gallery_.people) {
      for (const Reference& reference : person.references) {
        TRY(check_embedding({head.model_id, gallery_.metric,
                             project(head.matrix, reference.embedding, gallery_.metric)}));
      }
    }
    Strangers all;
    for (Strangers& some : strangers_) {
      all.without_head.insert(all.without_head.end(), some.without_head.begin(),
                              some.without_head.end());
      all.with_head.insert(all.with_head.end(), some.with_head.begin(), some.with_head.end());
      all.person_pair_count += some.person_pair_count;
    }
    all.person_pair_count /= 2;  // each pair met twice, each of them once as the stranger
    head.calibration = calibration_of_head(
        *gallery_.calibration, stranger_line(std::move(all.without_head), std::move(all.with_head)),
        all.person_pair_count, 2 * deviation_of_own(), head.model_id);
    return head;
  }

  /// The standard deviation of a photo's similarity to its own person, with a head.
  [[nodiscard]] double deviation_of_own() const {
    double sum = 0;
    double squares = 0;
    double photo_count = 0;
    for (size_t i = 0; i < places_.size(); ++i) {
      if (!places_[i].fold) continue;
      const double own = double{answers_with_[i].own};
      sum += own;
      squares += own * own;
      photo_count += 1;
    }
    const double mean = sum / photo_count;
    return std::sqrt(std::max(0.0, squares / photo_count - mean * mean));
  }

  const GalleryModel& gallery_;
  const HeadOptions& options_;
  const Supervision& supervision_;
  std::vector<PhotoPlace> places_;
  std::vector<size_t> people_;  ///< in an order of chance: every fifth are strangers together
  std::vector<Answer> answers_without_;  ///< one a place
  std::vector<Answer> answers_with_;
  std::vector<Strangers> strangers_;
};

Result<void> check_size(const GalleryModel& photos) {
  const auto has_two = [](const ModelPerson& person) { return person.references.size() > 1; };
  const auto people = std::ranges::count_if(photos.people, has_two);
  if (std::cmp_less(people, kFewestHeadPeople)) {
    return fail(ErrorCode::InvalidInput, "head_too_few_people",
                "{} people have two photos or more; a personal head needs {}, some of whom stand "
                "for strangers to the others",
                people, kFewestHeadPeople);
  }
  if (photos.people.size() > kMostHeadPeople) {
    return fail(ErrorCode::TooLarge, "head_too_many_people",
                "the gallery has {} people; a personal head is trained for at most {}",
                photos.people.size(), kMostHeadPeople);
  }
  size_t photo_count = 0;
  for (const ModelPerson& person : photos.people) photo_count += person.references.size();
  const auto length = static_cast<size_t>(photos.embedding_length);
  const size_t photo_limit = ModelFileLimits{}.head_products / (length * length);
  if (photo_count > photo_limit) {
    return fail(ErrorCode::TooLarge, "head_too_many_photos",
                "the gallery has {} photos of {} numbers; a personal head takes at most {} of them",
                photo_count, length, photo_limit);
  }
  if (photos.embedding_length > kMaxHeadLength) {
    return fail(ErrorCode::TooLarge, "head_embedding_too_long",
                "the pack's embeddings have {} numbers; a personal head takes at most {}",
                photos.embedding_length, kMaxHeadLength);
  }
  return {};
}

}  // namespace

Result<void> check_photos_of_head(const GalleryModel& gallery) {
  for (const ModelPerson& person : gallery.people) {
    if (std::cmp_equal(person.references.size(), person.photo_count)) continue;
    return fail(ErrorCode::InvalidInput, "head_photos_missing",
                "the gallery has the embeddings of {} of the {} photos of `{}`; a personal head "
                "needs all of them",
                person.references.size(), person.photo_count, person.name);
  }
  return {};
}

Result<HeadOutcome> train_personal_head(const GalleryModel& photos, const HeadOptions& options,
                                        const Supervision& supervision) {
  TRY(check_photos_of_head(photos));
  TRY(check_size(photos));
  if (!photos.calibration) {
    return fail(ErrorCode::Conflict, "head_not_calibrated",
                "the gallery was trained with a pack that was not calibrated, and a personal head "
                "promises by what its pack does: calibrate the pack and train the gallery again");
  }
  return Trial(photos, options, supervision).run();
}

}  // namespace faceforge::gallery
