#include <algorithm>
#include <limits>
#include <map>

#include "face/calibration_json.h"
#include "gallery/galleries.h"
#include "gallery/head_trial.h"
#include "gallery/internal/rows.h"
#include "gallery/train.h"

namespace faceforge::gallery {
namespace {

constexpr std::string_view kVersionColumns =
    "v.gallery_id, v.number, v.trained_ms, v.model_id, v.metric, v.embedding_length, v.pack_id,"
    " (select count(*) from version_people t where t.version_id = v.id),"
    " (select count(*) from version_photos x where x.version_id = v.id and x.standing = 0),"
    " (select count(*) from version_photos x where x.version_id = v.id and x.standing = 1),"
    " (select count(*) from version_photos x where x.version_id = v.id and x.standing = 2),"
    " v.id, v.calibration, v.head_trial, case when v.head is null then 0 else 1 end";
static_assert(static_cast<int>(Standing::Used) == 0 && static_cast<int>(Standing::Flagged) == 1 &&
              static_cast<int>(Standing::Unusable) == 2);
constexpr size_t kRowIdColumn = 11;
constexpr size_t kCalibrationColumn = 12;
constexpr size_t kHeadTrialColumn = 13;
constexpr size_t kHasHeadColumn = 14;

Result<face::Calibration> to_calibration(std::string_view text) {
  const json::value document = TRY(json::parse(text));
  return face::calibration_from_json(document.as_object());
}

Result<Version> to_version(const store::Row& row) {
  Version version{.gallery_id = row.id<GalleryId>(0),
                  .number = row.integer(1),
                  .trained_ms = row.integer(2),
                  .model_id = face::ModelId(row.text(3)),
                  .embedding_length = row.integer(5),
                  .pack_id = row.text(6),
                  .person_count = row.integer(7),
                  .photo_count = row.integer(8),
                  .flagged_count = row.integer(9),
                  .unusable_count = row.integer(10)};
  version.metric = TRY(face::metric_from(row.text(4)));
  if (const auto text = row.text_or_null(kHeadTrialColumn)) {
    const json::value trial = TRY(json::parse(*text));
    version.head_trial = TRY(head_trial_from_json(trial.as_object()));
  }
  version.has_head = row.integer(kHasHeadColumn) != 0;
  return version;
}

/// A version with its row's own key and its calibration, which nobody outside needs.
struct StoredVersion {
  Version version{};
  int64_t row_id = 0;
  std::optional<face::Calibration> calibration{};
};

/// out: `number`, or that of the version in use
/// fails: conflict/gallery_not_trained
Result<int64_t> wanted_number(const internal::GalleryHead& gallery, std::optional<int64_t> number) {
  if (number) return *number;
  if (gallery.version_in_use) return *gallery.version_in_use;
  return fail(ErrorCode::Conflict, "gallery_not_trained",
              "the gallery `{}` has not been trained yet", gallery.name);
}

Unexpected no_such_version(GalleryId id, const internal::GalleryHead& gallery, int64_t wanted) {
  const std::string newest = gallery.latest_version
                                 ? fmt::format("the newest is {}", *gallery.latest_version)
                                 : "it has none";
  return fail(ErrorCode::NotFound, "version_not_found", "there is no version {} of gallery {}; {}",
              wanted, id.value(), newest);
}

Result<StoredVersion> find_stored(store::Transaction& transaction, UserId user, GalleryId gallery,
                                  std::optional<int64_t> number) {
  const auto found = TRY(internal::find_gallery_head(transaction, user, gallery));
  const int64_t wanted = TRY(wanted_number(found, number));
  const auto rows = TRY(transaction.query(
      fmt::format("select {} from versions v where v.owner_id = $1 and v.gallery_id = $2"
                  " and v.number = $3",
                  kVersionColumns),
      user, gallery, wanted));
  if (rows.empty()) return no_such_version(gallery, found, wanted);
  auto version = TRY(to_version(rows[0]));
  StoredVersion stored{.version = std::move(version), .row_id = rows[0].integer(kRowIdColumn)};
  if (const auto text = rows[0].text_or_null(kCalibrationColumn)) {
    stored.calibration = TRY(to_calibration(*text));
  }
  return stored;
}

/// The version's personal head, where it has one.
Result<std::optional<PersonalHead>> read_head(store::Transaction& transaction, UserId user,
                                              const StoredVersion& stored) {
  if (!stored.version.has_head) return std::nullopt;
  const auto rows = TRY(transaction.query(
      "select head, head_calibration from versions where owner_id = $1 and id = $2", user,
      stored.row_id));
  const auto length = static_cast<size_t>(stored.version.embedding_length);
  PersonalHead head;
  head.matrix = {.row_count = length, .column_count = length};
  head.matrix.values = TRY(internal::floats_from_bytes(rows[0].blob(0), length * length));
  head.model_id = head_model_id(stored.version.model_id, head.matrix);
  head.calibration = TRY(to_calibration(rows[0].text(1)));
  if (stored.version.head_trial) head.trial = *stored.version.head_trial;
  return head;
}

// --- reading ---

struct StoredPhoto {
  PersonId person{};
  PhotoId id{};
  std::string file_name{};
  Standing standing = Standing::Used;
  std::vector<float> embedding{};  ///< empty when unusable
};

/// Visits the photos of a version, or of one person in it, person by person, in the order they were
/// added.
Result<void> scan_photos(store::Transaction& transaction, UserId user, const StoredVersion& stored,
                         std::optional<PersonId> person,
                         const std::function<void(StoredPhoto)>& visit) {
  const auto length = static_cast<size_t>(stored.version.embedding_length);
  const std::string of_person =
      person ? fmt::format(" and f.person_id = {}", person->value()) : std::string();
  return transaction.scan(
      fmt::format(
          "select f.person_id, f.id, f.file_name, x.standing, e.embedding from version_photos x"
          " join photos f on f.id = x.photo_id"
          " left join embeddings e on e.photo_id = f.id and e.model_id = $3"
          " where x.owner_id = $1 and x.version_id = $2{} order by f.person_id, f.id",
          of_person),
      [&](const store::Row& row) -> Result<void> {
        StoredPhoto photo{.person = row.id<PersonId>(0),
                          .id = row.id<PhotoId>(1),
                          .file_name = row.text(2),
                          .standing = static_cast<Standing>(row.integer(3))};
        if (photo.standing != Standing::Unusable) {
          photo.embedding = TRY(internal::floats_from_bytes(row.blob(4), length));
        }
        visit(std::move(photo));
        return {};
      },
      user, stored.row_id, stored.version.model_id.hex());
}

/// Visits the people of a version with their templates, in the order they were added.
Result<void> scan_people(
    store::Transaction& transaction, UserId user, const StoredVersion& stored,
    const std::function<void(PersonId, const std::string&, TemplateSum)>& visit) {
  const auto length = static_cast<size_t>(stored.version.embedding_length);
  return transaction.scan(
      "select p.id, p.name, t.template from version_people t join people p on p.id = t.person_id"
      " where t.owner_id = $1 and t.version_id = $2 order by p.id",
      [&](const store::Row& row) -> Result<void> {
        visit(row.id<PersonId>(0), row.text(1), TRY(TemplateSum::from_bytes(row.blob(2), length)));
        return {};
      },
      user, stored.row_id);
}

/// A photo's similarity to the template of its person's other used photos.
std::optional<float> similarity_to_rest(const StoredPhoto& photo, const TemplateSum& person,
                                        face::Metric metric) {
  if (photo.standing == Standing::Unusable) return std::nullopt;
  TemplateSum rest = person;
  if (photo.standing == Standing::Used) rest.remove(photo.embedding);
  return rest.similarity(photo.embedding, metric);
}

/// in: `person` nothing where the version has no template of them
VersionPhoto shown_photo(const StoredPhoto& photo, const TemplateSum* person, face::Metric metric) {
  VersionPhoto shown{photo.id, photo.file_name, photo.standing, std::nullopt};
  if (person != nullptr) shown.similarity = similarity_to_rest(photo, *person, metric);
  return shown;
}

}  // namespace

Result<std::vector<Version>> Galleries::list_versions(UserId user, GalleryId gallery,
                                                      const Part<int64_t>& part) {
  return database_.read([&](store::Transaction& transaction) -> Result<std::vector<Version>> {
    TRY(internal::require_gallery(transaction, user, gallery));
    const auto rows = TRY(transaction.query(
        fmt::format("select {} from versions v where v.owner_id = $1 and v.gallery_id = $2"
                    " and v.number < $3 order by v.number desc limit $4",
                    kVersionColumns),
        user, gallery, part.after.value_or(std::numeric_limits<int64_t>::max()), part.limit));
    std::vector<Version> versions;
    for (const store::Row row : rows) versions.push_back(TRY(to_version(row)));
    return versions;
  });
}

Result<std::optional<ComparableModel>> Galleries::find_comparable(UserId user, GalleryId gallery,
                                                                  const face::ModelId& model) {
  using Found = Result<std::optional<ComparableModel>>;
  return database_.read([&](store::Transaction& transaction) -> Found {
    TRY(internal::require_gallery(transaction, user, gallery));
    const auto rows =
        TRY(transaction.query("select metric, embedding_length, calibration from versions"
                              " where owner_id = $1 and gallery_id = $2 and model_id = $3"
                              " and calibration is not null order by number desc limit 1",
                              user, gallery, model.hex()));
    if (rows.empty()) return std::nullopt;
    ComparableModel comparable{.embedding_length = rows[0].integer(1)};
    comparable.metric = TRY(face::metric_from(rows[0].text(0)));
    comparable.calibration = TRY(to_calibration(rows[0].text(2)));
    return comparable;
  });
}

Result<Version> Galleries::find_version(UserId user, GalleryId gallery,
                                        std::optional<int64_t> number) {
  return database_.read([&](store::Transaction& transaction) -> Result<Version> {
    return TRY(find_stored(transaction, user, gallery, number)).version;
  });
}

Result<VersionState> Galleries::find_version_state(UserId user, GalleryId gallery,
                                                   std::optional<int64_t> number) {
  return database_.read([&](store::Transaction& transaction) -> Result<VersionState> {
    const auto found = TRY(internal::find_gallery_head(transaction, user, gallery));
    const int64_t wanted = TRY(wanted_number(found, number));
    const auto rows = TRY(transaction.query(
        "select 1 from versions where owner_id = $1 and gallery_id = $2 and number = $3", user,
        gallery, wanted));
    if (rows.empty()) return no_such_version(gallery, found, wanted);
    return VersionState{.number = wanted, .revision = found.revision};
  });
}

Result<Gallery> Galleries::use_version(UserId user, GalleryId gallery, int64_t number) {
  return database_.transact([&](store::Transaction& transaction) -> Result<Gallery> {
    TRY(find_stored(transaction, user, gallery, number));
    TRY(transaction.execute(
        "update galleries set version_in_use = $3 where owner_id = $1 and id = $2", user, gallery,
        number));
    return internal::find_gallery(transaction, user, gallery);
  });
}

Result<std::vector<AnsweringModel>> Galleries::list_answering_models(const Part<int64_t>& part) {
  return database_.read(
      [&](store::Transaction& transaction) -> Result<std::vector<AnsweringModel>> {
        const auto rows = TRY(transaction.query(
            "select g.id, g.owner_id, v.model_id from galleries g left join versions v"
            " on v.gallery_id = g.id and g.version_in_use is null and g.is_copying = 0"
            " and v.number = (select max(n.number) from versions n where n.gallery_id = g.id)"
            " where g.id > $1 order by g.id limit $2",
            part.after.value_or(0), part.limit));
        std::vector<AnsweringModel> models;
        models.reserve(rows.size());
        for (const store::Row row : rows) {
          models.push_back({.user = row.id<UserId>(1), .gallery = row.id<GalleryId>(0)});
          if (auto model = row.text_or_null(2)) models.back().model_id = face::ModelId(*model);
        }
        return models;
      });
}

Result<std::vector<AnsweringPack>> Galleries::list_answering_packs() {
  return database_.read([&](store::Transaction& transaction) -> Result<std::vector<AnsweringPack>> {
    const auto rows = TRY(
        transaction.query("select v.model_id, v.pack_id, count(*) from galleries g join versions v"
                          " on v.gallery_id = g.id and v.number = coalesce(g.version_in_use,"
                          " (select max(n.number) from versions n where n.gallery_id = g.id))"
                          " where g.is_copying = 0 group by v.model_id, v.pack_id"
                          " order by count(*) desc, v.model_id, v.pack_id limit $1",
                          kMaxAnsweringPacks));
    std::vector<AnsweringPack> packs;
    for (const store::Row row : rows) {
      const face::ModelId model(row.text(0));
      const auto same = std::ranges::find(packs, model, &AnsweringPack::model_id);
      if (same != packs.end()) {
        same->gallery_count += row.integer(2);
      } else {
        packs.push_back(
            {.model_id = model, .pack_id = row.text(1), .gallery_count = row.integer(2)});
      }
    }
    std::ranges::stable_sort(packs, std::ranges::greater{}, &AnsweringPack::gallery_count);
    return packs;
  });
}

Result<Version> Galleries::keep_head(UserId user, GalleryId gallery, const VersionState& state,
                                     const HeadOutcome& outcome) {
  return database_.transact([&](store::Transaction& transaction) -> Result<Version> {
    const auto found = TRY(internal::find_gallery_head(transaction, user, gallery));
    if (found.revision != state.revision) {
      return fail(ErrorCode::Conflict, "gallery_changing",
                  "the gallery `{}` changed while the head was trained: train it again",
                  found.name);
    }
    std::optional<store::Blob> matrix;
    std::optional<std::string> calibration;
    if (outcome.head) {
      matrix = internal::floats_to_bytes(outcome.head->matrix.values);
      calibration = json::to_text(face::to_json(outcome.head->calibration));
    }
    const StoredVersion stored = TRY(find_stored(transaction, user, gallery, state.number));
    TRY(transaction.execute(
        "update versions set head_trial = $3, head = $4, head_calibration = $5"
        " where owner_id = $1 and id = $2",
        user, stored.row_id, json::to_text(to_json(outcome.trial)), matrix, calibration));
    TRY(internal::raise_revision(transaction, user, gallery));
    return TRY(find_stored(transaction, user, gallery, state.number)).version;
  });
}

Result<VersionReport> Galleries::report_version(UserId user, GalleryId gallery, int64_t number) {
  return database_.read([&](store::Transaction& transaction) -> Result<VersionReport> {
    const StoredVersion stored = TRY(find_stored(transaction, user, gallery, number));
    const face::Metric metric = stored.version.metric;
    std::map<PersonId, TemplateSum> sums;
    std::map<PersonId, VersionPerson> people;
    TRY(scan_people(
        transaction, user, stored, [&](PersonId id, const std::string& name, TemplateSum sum) {
          people[id] = {
              .id = id, .name = name, .photo_count = sum.count(), .spread = sum.spread(metric)};
          sums.emplace(id, std::move(sum));
        }));
    TRY(scan_photos(transaction, user, stored, {}, [&](const StoredPhoto& photo) {
      VersionPerson& person = people[photo.person];
      person.id = photo.person;
      const auto sum = sums.find(photo.person);
      person.photos.push_back(
          shown_photo(photo, sum != sums.end() ? &sum->second : nullptr, metric));
    }));
    VersionReport report{.version = stored.version};
    for (auto& [id, person] : people) {
      if (person.name.empty()) {  // without a template: all photos are flagged or unusable
        person.name = TRY(internal::find_person(transaction, user, gallery, id)).name;
      }
      report.people.push_back(std::move(person));
    }
    std::ranges::sort(report.people, {}, &VersionPerson::name);
    return report;
  });
}

Result<std::vector<VersionPhoto>> Galleries::report_photos(UserId user, GalleryId gallery,
                                                           PersonId person, int64_t number) {
  return database_.read([&](store::Transaction& transaction) -> Result<std::vector<VersionPhoto>> {
    const auto found = TRY(internal::find_gallery_head(transaction, user, gallery));
    // Without what find_stored counts.
    const auto versions =
        TRY(transaction.query("select id, model_id, metric, embedding_length from versions"
                              " where owner_id = $1 and gallery_id = $2 and number = $3",
                              user, gallery, number));
    if (versions.empty()) return no_such_version(gallery, found, number);
    StoredVersion stored{.row_id = versions[0].integer(0)};
    stored.version.model_id = face::ModelId(versions[0].text(1));
    stored.version.metric = TRY(face::metric_from(versions[0].text(2)));
    stored.version.embedding_length = versions[0].integer(3);
    const auto templates =
        TRY(transaction.query("select template from version_people"
                              " where owner_id = $1 and version_id = $2 and person_id = $3",
                              user, stored.row_id, person));
    std::optional<TemplateSum> sum;
    if (!templates.empty()) {
      const auto length = static_cast<size_t>(stored.version.embedding_length);
      sum = TRY(TemplateSum::from_bytes(templates[0].blob(0), length));
    }
    std::vector<VersionPhoto> photos;
    TRY(scan_photos(transaction, user, stored, person, [&](const StoredPhoto& photo) {
      photos.push_back(shown_photo(photo, sum ? &*sum : nullptr, stored.version.metric));
    }));
    return photos;
  });
}

Result<GalleryModel> Galleries::read_model(UserId user, GalleryId gallery, int64_t number) {
  return database_.read([&](store::Transaction& transaction) -> Result<GalleryModel> {
    StoredVersion stored = TRY(find_stored(transaction, user, gallery, number));
    GalleryModel model{.model_id = stored.version.model_id,
                       .metric = stored.version.metric,
                       .embedding_length = stored.version.embedding_length,
                       .pack_id = stored.version.pack_id,
                       .trained_ms = stored.version.trained_ms,
                       .calibration = stored.calibration};
    model.head = TRY(read_head(transaction, user, stored));
    std::map<PersonId, size_t> index_of;
    TRY(scan_people(transaction, user, stored,
                    [&](PersonId id, const std::string& name, const TemplateSum& sum) {
                      std::vector<float> mean = sum.mean(model.metric);
                      if (mean.empty()) return;  // opposite photos: no direction to compare with
                      index_of.emplace(id, model.people.size());
                      model.people.push_back({.name = name,
                                              .person = id,
                                              .photo_count = sum.count(),
                                              .spread = sum.spread(model.metric),
                                              .mean = std::move(mean)});
                    }));
    TRY(scan_photos(transaction, user, stored, {}, [&](StoredPhoto photo) {
      const auto person = index_of.find(photo.person);
      if (photo.standing != Standing::Used || person == index_of.end()) return;
      model.people[person->second].references.push_back(
          {std::move(photo.file_name), photo.id, std::move(photo.embedding)});
    }));
    return model;
  });
}

}  // namespace faceforge::gallery
