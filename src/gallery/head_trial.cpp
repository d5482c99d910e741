#include "gallery/head_trial.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>
#include <random>
#include <span>
#include <utility>

#include "base/check.h"
#include "gallery/head_calibration.h"
#include "gallery/internal/products.h"
#include "gallery/internal/references.h"
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

/// More similar than two photos are, and as the embeddings of one photo that machines round apart.
constexpr float kSamePhoto = 0.9999F;

/// A photo of somebody in the gallery.
struct LookedAt {
  size_t person = 0;  ///< by their place in the gallery
  std::span<const float> embedding{};
  bool is_in_template = true;    ///< else one beyond the gallery's own
  std::optional<size_t> fold{};  ///< when it is asked; nothing: its person has no other photo
};

using Embeddings = std::vector<std::span<const float>>;

/// Each person's photos beyond the gallery's own.
std::vector<Embeddings> photos_beyond(const GalleryModel& gallery, const LabelledEmbeddings& more) {
  std::vector<Embeddings> beyond(gallery.people.size());
  for (size_t row = 0; row < more.people.size(); ++row) {
    const size_t person = more.people[row];
    CHECK(person < beyond.size());
    CHECK(std::cmp_equal(more.embeddings.column_count, gallery.embedding_length));
    const auto photo = internal::row_of(more.embeddings, row);
    const bool is_known =
        std::ranges::any_of(gallery.people[person].references, [&](const Reference& own) {
          return face::similarity(photo, own.embedding, gallery.metric) > kSamePhoto;
        });
    if (!is_known) beyond[person].push_back(photo);
  }
  return beyond;
}

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
  Trial(const GalleryModel& gallery, const std::vector<Embeddings>& beyond,
        const HeadOptions& options, const Supervision& supervision)
      : gallery_(gallery), options_(options), supervision_(supervision) {
    std::mt19937_64 random(options.training.seed);
    for (size_t person = 0; person < gallery.people.size(); ++person) {
      choose_photos(person, beyond[person], random);
    }
    people_.resize(gallery.people.size());
    std::iota(people_.begin(), people_.end(), size_t{0});
    internal::shuffle(people_, random);
  }

  Result<HeadOutcome> run() {
    HeadOutcome outcome;
    HeadTrial& trial = outcome.trial;
    trial.fold_count = kFolds;
    trial.person_count = static_cast<int64_t>(gallery_.people.size());
    answers_without_.resize(photos_.size());
    answers_with_.resize(photos_.size());
    for (size_t fold = 0; fold < kFolds; ++fold) {
      TRY(go_on());
      TRY(ask(fold, std::nullopt, answers_without_));
    }
    trial.photo_count = std::ranges::count_if(photos_, [](auto& p) { return p.fold.has_value(); });
    trial.without_head = TRY(count(answers_without_, *gallery_.calibration));
    const bool is_always = options_.given == HeadGiven::Always;
    if (trial.without_head.confused_count < kFewestConfusions && !is_always) return outcome;
    TRY(try_heads());
    PersonalHead head = TRY(make_head());
    trial.with_head = TRY(count(answers_with_, head.calibration));
    for (size_t i = 0; i < photos_.size(); ++i) {
      if (!photos_[i].fold) continue;
      trial.mended_count += !answers_without_[i].is_right && answers_with_[i].is_right ? 1 : 0;
      trial.spoiled_count += answers_without_[i].is_right && !answers_with_[i].is_right ? 1 : 0;
    }
    if (!trial.is_better() && !is_always) return outcome;
    head.trial = trial;
    outcome.head = std::move(head);
    return outcome;
  }

 private:
  /// Which of somebody's photos are looked at, and in which fold each is asked.
  void choose_photos(size_t person, const Embeddings& beyond, std::mt19937_64& random) {
    const auto& own = gallery_.people[person].references;
    auto chosen = evenly(own.size(), kHeadPhotosAPerson);
    internal::shuffle(chosen, random);
    size_t fold = random() % kFolds;
    for (const size_t i : chosen) {
      LookedAt photo{.person = person, .embedding = own[i].embedding};
      if (chosen.size() > 1) photo.fold = fold++ % kFolds;
      photos_.push_back(photo);
    }
    for (const size_t i : evenly(beyond.size(), kHeadPhotosAPerson)) {
      photos_.push_back({.person = person,
                         .embedding = beyond[i],
                         .is_in_template = false,
                         .fold = fold++ % kFolds});
    }
  }

  [[nodiscard]] Result<void> go_on() const {
    if (!supervision_.stop.stop_requested()) return {};
    return fail(ErrorCode::Cancelled, "training_cancelled", "the training was cancelled");
  }

  /// The photos of those that `is_wanted` names, of people who then have two or more.
  LabelledEmbeddings photos_of(const auto& is_wanted) const {
    std::vector<size_t> counts(gallery_.people.size());
    for (const LookedAt& photo : photos_) counts[photo.person] += is_wanted(photo) ? 1 : 0;
    LabelledEmbeddings photos;
    photos.embeddings.column_count = static_cast<size_t>(gallery_.embedding_length);
    for (const LookedAt& photo : photos_) {
      if (!is_wanted(photo) || counts[photo.person] < 2) continue;
      photos.embeddings.values.insert(photos.embeddings.values.end(), photo.embedding.begin(),
                                      photo.embedding.end());
      photos.people.push_back(photo.person);
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
    for (const LookedAt& photo : photos_) {
      if (photo.fold == fold || !photo.is_in_template) continue;
      sums[photo.person].add(photo.embedding);
      model.people[photo.person].references.push_back(
          {.embedding = {photo.embedding.begin(), photo.embedding.end()}});
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
    for (size_t i = 0; i < photos_.size(); ++i) {
      const LookedAt& photo = photos_[i];
      if (photo.fold != fold) continue;
      const face::Embedding asked{
          gallery_.model_id, gallery_.metric, {photo.embedding.begin(), photo.embedding.end()}};
      const auto nearest = TRY(snapshot.nearest(asked, 1));
      const auto own = TRY(snapshot.compare(asked, gallery_.people[photo.person].name));
      answers[i] = {.is_right = nearest.front().person_index == photo.person,
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
    for (size_t i = 0; i < photos_.size(); ++i) {
      if (!photos_[i].fold) continue;
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
    const auto worked = work_through(2 * kFolds, work, options_.thread_count, part);
    TRY(go_on());
    if (failure) return Unexpected(*failure);
    return worked;
  }

  Result<void> try_fold(size_t fold) {
    const auto matrix = TRY(train([&](const LookedAt& photo) { return photo.fold != fold; }));
    return ask(fold, matrix, answers_with_);  // no two folds have a photo in common
  }

  Result<void> meet_strangers(size_t fold) {
    std::vector<bool> is_stranger(gallery_.people.size());
    for (size_t i = fold; i < people_.size(); i += kFolds) is_stranger[people_[i]] = true;
    const auto matrix =
        TRY(train([&](const LookedAt& photo) { return !is_stranger[photo.person]; }));
    const auto by_root = static_cast<size_t>(std::sqrt(kMaxStrangerPairs)) / people_.size();
    const size_t photos_each = std::clamp<size_t>(by_root, 1, kHeadPhotosAPerson);
    std::vector<size_t> taken(gallery_.people.size());
    std::vector<size_t> chosen;  // whose each row is
    FloatTable plain{.column_count = static_cast<size_t>(gallery_.embedding_length)};
    for (const LookedAt& photo : photos_) {
      if (taken[photo.person]++ >= photos_each) continue;
      chosen.push_back(photo.person);
      plain.values.insert(plain.values.end(), photo.embedding.begin(), photo.embedding.end());
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
      if (!is_stranger[chosen[a]]) continue;
      TRY(go_on());
      for (size_t b = 0; b < chosen.size(); ++b) {
        if (is_stranger[chosen[b]]) continue;
        strangers.without_head.push_back(similarity(plain, a, b));
        strangers.with_head.push_back(similarity(projected, a, b));
      }
    }
    return {};
  }

  /// The head of all photos, with the calibration that its likes of parts of the people have.
  Result<PersonalHead> make_head() {
    PersonalHead head;
    head.matrix = TRY(train([](const LookedAt&) { return true; }));
    if (supervision_.report) supervision_.report(kTrainings, kTrainings);
    head.model_id = head_model_id(gallery_.model_id, head.matrix);
    for (const ModelPerson& person : gallery_.people) {
      TRY(go_on());
      const FloatTable projected =
          project(head.matrix, internal::references_of(person), gallery_.metric);
      for (size_t row = 0; row < projected.row_count; ++row) {
        const auto values = internal::row_of(projected, row);
        TRY(check_embedding({head.model_id, gallery_.metric, {values.begin(), values.end()}}));
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
    for (size_t i = 0; i < photos_.size(); ++i) {
      if (!photos_[i].fold) continue;
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
  std::vector<LookedAt> photos_;
  std::vector<size_t> people_;  ///< in an order of chance: every fifth are strangers together
  std::vector<Answer> answers_without_;  ///< one a photo
  std::vector<Answer> answers_with_;
  std::vector<Strangers> strangers_;
};

Result<void> check_size(const GalleryModel& gallery, const std::vector<Embeddings>& beyond) {
  int64_t with_two = 0;
  size_t photo_count = 0;
  for (size_t person = 0; person < gallery.people.size(); ++person) {
    const size_t own = gallery.people[person].references.size();
    with_two += own + beyond[person].size() > 1 ? 1 : 0;
    photo_count += own;
  }
  if (std::cmp_less(with_two, kFewestHeadPeople)) {
    return fail(ErrorCode::InvalidInput, "head_too_few_people",
                "{} people have two photos or more; a personal head needs {}, some of whom stand "
                "for strangers to the others",
                with_two, kFewestHeadPeople);
  }
  if (gallery.people.size() > kMostHeadPeople) {
    return fail(ErrorCode::TooLarge, "head_too_many_people",
                "the gallery has {} people; a personal head is trained for at most {}",
                gallery.people.size(), kMostHeadPeople);
  }
  if (gallery.embedding_length > kMaxHeadLength) {
    return fail(ErrorCode::TooLarge, "head_embedding_too_long",
                "the pack's embeddings have {} numbers; a personal head takes at most {}",
                gallery.embedding_length, kMaxHeadLength);
  }
  const auto length = static_cast<size_t>(gallery.embedding_length);
  const size_t photo_limit = ModelFileLimits{}.head_products / (length * length);
  if (photo_count > photo_limit) {
    return fail(ErrorCode::TooLarge, "head_too_many_photos",
                "the gallery has {} photos of {} numbers; a personal head takes at most {} of them",
                photo_count, length, photo_limit);
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

Result<HeadOutcome> train_personal_head(const GalleryModel& gallery, const HeadOptions& options,
                                        const Supervision& supervision) {
  TRY(check_photos_of_head(gallery));
  const std::vector<Embeddings> beyond = photos_beyond(gallery, options.more_photos);
  TRY(check_size(gallery, beyond));
  if (!gallery.calibration) {
    return fail(ErrorCode::Conflict, "head_not_calibrated",
                "the gallery was trained with a pack that was not calibrated, and a personal head "
                "promises by what its pack does: calibrate the pack and train the gallery again");
  }
  return Trial(gallery, beyond, options, supervision).run();
}

}  // namespace faceforge::gallery
