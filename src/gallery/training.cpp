#include <algorithm>
#include <unordered_map>

#include "face/calibration_json.h"
#include "gallery/galleries.h"
#include "gallery/internal/rows.h"
#include "gallery/match_policy.h"
#include "gallery/train.h"

namespace faceforge::gallery {
namespace {

/// How often a training begins again because photos that it had read were deleted or moved
/// meanwhile.
constexpr int kTrainingAttempts = 3;

struct TrainedPerson {
  PersonId id{};
  TemplateSum sum;
};

struct TrainedPhoto {
  PhotoId id{};
  PersonId person{};
  Standing standing = Standing::Used;
};

/// What a training finds out, person by person, before it writes anything.
struct Outcome {
  std::vector<TrainedPerson> people{};
  std::vector<TrainedPhoto> photos{};
};

/// The photos of one person, as they come out of the database.
struct PersonPhotos {
  std::vector<PhotoId> photos{};
  std::vector<std::vector<float>> embeddings{};
  std::vector<PhotoId> unusable{};
};

static_assert(static_cast<int>(TrainedFor::Owner) == 0 &&
              static_cast<int>(TrainedFor::Server) == 1);
/// The versions that one of the server's own accord takes the place of, of the model $3: but for
/// one that was chosen by hand.
constexpr std::string_view kReplaced =
    " from versions where owner_id = $1 and gallery_id = $2 and model_id = $3 and trained_for = 1"
    " and not exists (select 1 from galleries g where g.id = $2"
    " and g.version_in_use = versions.number)";

Result<void> check_room(store::Transaction& transaction, UserId user, GalleryId gallery,
                        const Training& training, int64_t limit) {
  const auto counted = TRY(transaction.query(
      "select count(*) from versions where owner_id = $1 and gallery_id = $2", user, gallery));
  int64_t count = counted[0].integer(0);
  if (count >= limit && training.trained_for == TrainedFor::Server) {
    const auto replaced = TRY(transaction.query(fmt::format("select count(*){}", kReplaced), user,
                                                gallery, training.model_id.hex()));
    count -= replaced[0].integer(0);
  }
  if (count < limit) return {};
  return fail(ErrorCode::Exhausted, "too_many_versions",
              "the gallery has {} versions; the limit is {}: delete some", count, limit);
}

Result<void> delete_replaced(store::Transaction& transaction, UserId user, GalleryId gallery,
                             const Training& training) {
  if (training.trained_for == TrainedFor::Owner) return {};
  const int64_t deleted = TRY(transaction.execute(fmt::format("delete{}", kReplaced), user, gallery,
                                                  training.model_id.hex()));
  if (deleted > 0) TRY(internal::raise_revision(transaction, user, gallery));
  return {};
}

Result<std::vector<PersonId>> people_with_photos(store::Transaction& transaction, UserId user,
                                                 GalleryId gallery) {
  const auto rows = TRY(transaction.query(
      "select distinct person_id from photos where owner_id = $1 and gallery_id = $2"
      " order by person_id",
      user, gallery));
  std::vector<PersonId> people;
  people.reserve(rows.size());
  for (const store::Row row : rows) people.push_back(row.id<PersonId>(0));
  return people;
}

Result<PersonPhotos> photos_of(store::Transaction& transaction, UserId user, PersonId id,
                               const Training& training) {
  PersonPhotos person;
  const auto visit = [&](const store::Row& row) -> Result<void> {
    if (row.is_null(1)) {
      person.unusable.push_back(row.id<PhotoId>(0));
      return {};
    }
    person.photos.push_back(row.id<PhotoId>(0));
    person.embeddings.push_back(TRY(
        internal::floats_from_bytes(row.blob(1), static_cast<size_t>(training.embedding_length))));
    return {};
  };
  TRY(
      transaction.scan("select f.id, e.embedding from photos f"
                       " left join embeddings e on e.photo_id = f.id and e.model_id = $3"
                       " where f.owner_id = $1 and f.person_id = $2 order by f.id",
                       visit, user, id, training.model_id.hex()));
  return person;
}

void train_person(PersonId id, const PersonPhotos& person, const Training& training,
                  std::optional<float> agreement_similarity, Outcome& outcome) {
  for (const PhotoId photo : person.unusable) {
    outcome.photos.push_back({photo, id, Standing::Unusable});
  }
  if (person.photos.empty()) return;
  const std::vector<std::span<const float>> embeddings(person.embeddings.begin(),
                                                       person.embeddings.end());
  std::vector<bool> left_out(embeddings.size(), false);
  if (agreement_similarity) {
    left_out = disagreeing(embeddings, training.metric, *agreement_similarity);
  }
  TemplateSum sum(static_cast<size_t>(training.embedding_length));
  for (size_t photo = 0; photo < embeddings.size(); ++photo) {
    if (!left_out[photo]) sum.add(embeddings[photo]);
    outcome.photos.push_back(
        {person.photos[photo], id, left_out[photo] ? Standing::Flagged : Standing::Used});
  }
  outcome.people.push_back({id, std::move(sum)});
}

/// Whether every photo of the outcome is still there, with the same person. Photos and their
/// embeddings never change, so the outcome is then what training at this very moment would give,
/// but for photos added since.
Result<bool> holds_still(store::Transaction& transaction, UserId user, GalleryId gallery,
                         const Outcome& outcome) {
  std::unordered_map<PhotoId, PersonId> present;
  TRY(transaction.scan(
      "select id, person_id from photos where owner_id = $1 and gallery_id = $2",
      [&](const store::Row& row) -> Result<void> {
        present.emplace(row.id<PhotoId>(0), row.id<PersonId>(1));
        return {};
      },
      user, gallery));
  return std::ranges::all_of(outcome.photos, [&](const TrainedPhoto& photo) {
    const auto found = present.find(photo.id);
    return found != present.end() && found->second == photo.person;
  });
}

/// out: the number of the version
Result<int64_t> insert_version(store::Transaction& transaction, UserId user, GalleryId gallery,
                               const Training& training, const Outcome& outcome,
                               UnixTime_ms now_ms) {
  const std::string_view release =
      training.trained_for == TrainedFor::Owner ? ", version_in_use = null" : "";
  const auto numbers =
      TRY(transaction.query(fmt::format("update galleries set last_version = last_version + 1{}"
                                        " where owner_id = $1 and id = $2 returning last_version",
                                        release),
                            user, gallery));
  std::optional<std::string> calibration;
  if (training.calibration) calibration = json::to_text(face::to_json(*training.calibration));
  const auto versions = TRY(transaction.query(
      "insert into versions (owner_id, gallery_id, number, trained_ms, model_id, metric,"
      " embedding_length, pack_id, calibration, trained_for)"
      " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id",
      user, gallery, numbers[0].integer(0), now_ms, training.model_id.hex(),
      face::to_string(training.metric), training.embedding_length, training.pack_id, calibration,
      static_cast<int64_t>(training.trained_for)));
  const int64_t version = versions[0].integer(0);
  for (const TrainedPerson& person : outcome.people) {
    TRY(
        transaction.execute("insert into version_people (version_id, person_id, owner_id, template)"
                            " values ($1, $2, $3, $4)",
                            version, person.id, user, person.sum.to_bytes()));
  }
  for (const TrainedPhoto& photo : outcome.photos) {
    TRY(
        transaction.execute("insert into version_photos (version_id, photo_id, owner_id, standing)"
                            " values ($1, $2, $3, $4)",
                            version, photo.id, user, static_cast<int64_t>(photo.standing)));
  }
  return numbers[0].integer(0);
}

/// One training, from the reading of the photos to the writing of the version.
struct Trainer {
  /// Reads and looks at one person after the other. No transaction is open while a person is looked
  /// at: SQLite has one writer, and a reader keeps deleted rows in its log.
  [[nodiscard]] Result<Outcome> compute(const TrainingReport& report) const;

  /// out: the number of the version; nothing, and nothing written, when the outcome is out of date
  [[nodiscard]] Result<std::optional<int64_t>> write(store::Transaction& transaction,
                                                     const Outcome& outcome,
                                                     UnixTime_ms now_ms) const;

  store::Database& database;
  UserId user;
  GalleryId gallery;
  const Training& training;
  int64_t version_limit;
};

Result<Outcome> Trainer::compute(const TrainingReport& report) const {
  std::optional<float> agreement_similarity;
  if (training.calibration) {
    agreement_similarity =
        TRY(match_threshold(*training.calibration, kAgreementFalseMatchRate)).similarity;
  }
  const auto begin = [&](store::Transaction& transaction) -> Result<std::vector<PersonId>> {
    TRY(internal::require_gallery(transaction, user, gallery));
    TRY(check_room(transaction, user, gallery, training, version_limit));
    return people_with_photos(transaction, user, gallery);
  };
  const auto people = TRY(database.read(begin));
  Outcome outcome;
  const auto people_in_all = static_cast<int64_t>(people.size());
  for (int64_t done = 0; done < people_in_all; ++done) {
    if (report) TRY(report(done, people_in_all));
    const PersonId id = people[static_cast<size_t>(done)];
    const auto person = TRY(database.read([&](store::Transaction& transaction) {
      return photos_of(transaction, user, id, training);
    }));
    train_person(id, person, training, agreement_similarity, outcome);
  }
  if (report) TRY(report(people_in_all, people_in_all));
  return outcome;
}

Result<std::optional<int64_t>> Trainer::write(store::Transaction& transaction,
                                              const Outcome& outcome, UnixTime_ms now_ms) const {
  const Gallery found = TRY(internal::find_gallery(transaction, user, gallery));
  TRY(check_room(transaction, user, gallery, training, version_limit));
  if (!TRY(holds_still(transaction, user, gallery, outcome))) return std::nullopt;
  if (outcome.people.empty()) {
    return fail(ErrorCode::InvalidInput, "gallery_empty",
                "the gallery `{}` has no photo to train with ({} in all)", found.name,
                outcome.photos.size());
  }
  TRY(delete_replaced(transaction, user, gallery, training));
  return TRY(insert_version(transaction, user, gallery, training, outcome, now_ms));
}

}  // namespace

Result<void> Galleries::check_version_room(UserId user, GalleryId gallery,
                                           const Training& training) {
  return database_.read([&](store::Transaction& transaction) -> Result<void> {
    TRY(internal::require_gallery(transaction, user, gallery));
    return check_room(transaction, user, gallery, training, limits_.versions_per_gallery);
  });
}

Result<Version> Galleries::train(UserId user, GalleryId gallery, const Training& training,
                                 const TrainingReport& report) {
  const Trainer trainer{.database = database_,
                        .user = user,
                        .gallery = gallery,
                        .training = training,
                        .version_limit = limits_.versions_per_gallery};
  for (int attempt = 0; attempt < kTrainingAttempts; ++attempt) {
    const Outcome outcome = TRY(trainer.compute(report));
    const auto number = TRY(database_.transact([&](store::Transaction& transaction) {
      return trainer.write(transaction, outcome, clock_.now_ms());
    }));
    if (number) return find_version(user, gallery, *number);
  }
  return fail(
      ErrorCode::Conflict, "gallery_changing",
      "photos were deleted or moved during each of {} attempts to train: try again after that",
      kTrainingAttempts);
}

}  // namespace faceforge::gallery
