#include "recognition/train_folder.h"

#include <set>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "base/person_folders.h"
#include "base/sha256.h"
#include "gallery/match_policy.h"
#include "gallery/name.h"
#include "gallery/train.h"
#include "recognition/internal/one_face.h"

namespace faceforge::recognition {
namespace {

namespace fs = std::filesystem;

/// Brings the folders' names into the form that people's have.
Result<void> check_names(const fs::path& folder, std::vector<PersonFolder>& people) {
  std::set<std::string> names;
  for (PersonFolder& person : people) {
    person.name = TRY(gallery::checked_name(person.name));
    if (!names.insert(person.name).second) {
      return fail(ErrorCode::AlreadyExists, "person_name_taken",
                  "two folders in {} are called `{}`", folder.string(), person.name);
    }
  }
  return {};
}

/// A model in the making.
class FolderTrainer {
 public:
  FolderTrainer(const FaceEngine& engine, const TrainFolderOptions& options,
                std::optional<float> agreement_similarity, FolderTraining& training)
      : engine_(engine),
        options_(options),
        agreement_similarity_(agreement_similarity),
        training_(training) {}

  void look_at(const fs::path& path) {
    if (references_.size() >= options_.photos_per_person) {
      return skip(path, {ErrorCode::Exhausted, "too_many_photos",
                         fmt::format("the person has {} photos already, which is the limit",
                                     references_.size())});
    }
    auto reference = embed_photo(path);
    if (reference) {
      references_.push_back(std::move(*reference));
      paths_.push_back(path);
    } else {
      skip(path, std::move(reference).error());
    }
  }

  /// Makes a template of what was seen since the last person.
  void finish(const std::string& name) {
    gallery::ModelPerson person{.name = name};
    gallery::TemplateSum sum(static_cast<size_t>(engine_.embedding_length()));
    const std::vector<bool> disagrees = judge();
    for (size_t photo = 0; photo < references_.size(); ++photo) {
      if (disagrees[photo]) {
        skip(paths_[photo], {ErrorCode::InvalidInput, "photo_disagrees",
                             "the face does not look like the person's other photos"});
        continue;
      }
      sum.add(references_[photo].embedding);
      person.references.push_back(std::move(references_[photo]));
    }
    references_.clear();
    paths_.clear();
    person.photo_count = sum.count();
    person.spread = sum.spread(engine_.metric());
    person.mean = sum.mean(engine_.metric());
    if (person.mean.empty()) {
      training_.people_left_out.push_back(name);
    } else {
      training_.model.people.push_back(std::move(person));
    }
  }

 private:
  Result<gallery::Reference> embed_photo(const fs::path& path) {
    const auto bytes = TRY(read_file(path, options_.photo_bytes));
    if (!contents_.insert(sha256(std::span(bytes))).second) {
      return fail(ErrorCode::AlreadyExists, "photo_duplicate",
                  "the folder has this very photo already");
    }
    auto found = TRY(
        internal::look_for_one_face(engine_, bytes, FaceChoice::OnlyFace, options_.min_face_px));
    PhotoFace face = TRY(std::move(found.chosen));
    TRY(gallery::check_embedding(face.embedding));
    return gallery::Reference{.name = gallery::shown_file_name(path.filename().string(), bytes),
                              .embedding = std::move(face.embedding.values)};
  }

  [[nodiscard]] std::vector<bool> judge() const {
    if (!agreement_similarity_) return std::vector<bool>(references_.size(), false);
    std::vector<std::span<const float>> embeddings;
    for (const auto& reference : references_) embeddings.emplace_back(reference.embedding);
    return gallery::disagreeing(embeddings, engine_.metric(), *agreement_similarity_);
  }

  void skip(const fs::path& path, Error reason) {
    training_.skipped.push_back(
        {path.parent_path().filename() / path.filename(), std::move(reason)});
  }

  const FaceEngine& engine_;
  const TrainFolderOptions& options_;
  std::optional<float> agreement_similarity_;
  FolderTraining& training_;
  std::set<Sha256> contents_;
  std::vector<gallery::Reference> references_;
  std::vector<fs::path> paths_;
};

}  // namespace

Result<FolderTraining> train_folder(const fs::path& folder, const FaceEngine& engine,
                                    const Clock& clock, const TrainFolderOptions& options,
                                    const FolderProgress& progress) {
  CHECK(std::cmp_less_equal(options.photos_per_person, gallery::TemplateSum::kMaxCount));
  auto people = TRY(list_person_folders(folder, options.photo_limit));
  TRY(check_names(folder, people));
  if (people.empty()) {
    return fail(ErrorCode::InvalidInput, "gallery_empty",
                "{} has no folders of people: {}/PERSON/PHOTO is expected", folder.string(),
                folder.string());
  }
  int64_t photos_in_all = 0;
  for (const PersonFolder& person : people) {
    photos_in_all += static_cast<int64_t>(person.photos.size());
  }
  std::optional<float> agreement_similarity;
  if (engine.calibration()) {
    agreement_similarity =
        TRY(gallery::match_threshold(*engine.calibration(), gallery::kAgreementFalseMatchRate))
            .similarity;
  }
  FolderTraining training{.model = {.model_id = engine.model_id(),
                                    .metric = engine.metric(),
                                    .embedding_length = engine.embedding_length(),
                                    .pack_id = engine.pack_id(),
                                    .trained_ms = clock.now_ms(),
                                    .calibration = engine.calibration()}};
  FolderTrainer trainer(engine, options, agreement_similarity, training);
  for (const PersonFolder& person : people) {
    for (const fs::path& photo : person.photos) {
      trainer.look_at(photo);
      ++training.photo_count;
      if (progress && !progress(training.photo_count, photos_in_all)) {
        return fail(ErrorCode::Cancelled, "training_cancelled", "the training was cancelled");
      }
    }
    trainer.finish(person.name);
  }
  if (training.model.people.empty()) {
    return fail(ErrorCode::InvalidInput, "gallery_empty",
                "none of the {} photos in {} could be used", training.photo_count, folder.string());
  }
  return training;
}

}  // namespace faceforge::recognition
