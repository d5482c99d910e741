#include "evaluate/labelled_photos.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "base/json.h"
#include "evaluate/failed_comparison.h"
#include "evaluate/photo_embeddings.h"
#include "gallery/npy.h"

namespace faceforge::evaluate {
namespace {

constexpr size_t kMatrix_bytes = size_t{4} << 30;  // what `embed --npy` writes at most
constexpr size_t kRows_bytes = size_t{256} << 20;

/// What FILE.json says of FILE.
struct MatrixRows {
  face::ModelId model_id;
  face::Metric metric = face::Metric::Cosine;
  json::array rows;
};

Result<MatrixRows> read_rows(const std::filesystem::path& npy) {
  const std::filesystem::path file = npy.string() + ".json";
  const std::string text = TRY(read_text_file(file, kRows_bytes));
  const json::value document = TRY(json::parse(text, kRows_bytes));
  if (!document.is_object()) {
    return fail(ErrorCode::InvalidInput, "embedding_rows_malformed", "{} is no JSON object",
                file.string());
  }
  const json::object& head = document.get_object();
  MatrixRows matrix;
  matrix.model_id = face::ModelId(TRY(json::string_field(head, "model_id")));
  const std::string metric = TRY(json::string_field(head, "metric"));
  matrix.metric = TRY(face::metric_from(metric));
  matrix.rows = TRY(json::array_field(head, "rows"));
  return matrix;
}

Result<std::string> image_of(const json::value& row, size_t row_index) {
  if (row.is_object() && json::has_field(row.get_object(), "image")) {
    return json::string_field(row.get_object(), "image");
  }
  return fail(ErrorCode::InvalidInput, "embedding_rows_malformed", "row {} names no image",
              row_index);
}

/// `PERSON/PHOTO` of a path.
Result<std::pair<std::string, std::string>> person_and_photo(const std::filesystem::path& image,
                                                             size_t row_index) {
  const std::string person = image.parent_path().filename().string();
  const std::string photo = image.filename().string();
  if (!person.empty() && !photo.empty()) return std::pair(person, photo);
  return fail(ErrorCode::InvalidInput, "embedding_rows_malformed",
              "row {}: `{}` has no folder of a person: embed a folder of PERSON/PHOTO", row_index,
              image.string());
}

/// Compares one photo with all.
void compare_with_all(const LabelledPhotos& photos, size_t photo, std::span<float> similarities) {
  const face::Embedding& embedding = *photos.photos[photo].embedding;
  for (size_t other = 0; other < photos.photos.size(); ++other) {
    const auto& compared = photos.photos[other].embedding;
    similarities[other] =
        compared ? face::similarity(embedding.values, compared->values, embedding.metric)
                 : kFailedComparison;
  }
}

}  // namespace

size_t LabelledPhotos::failure_count() const {
  return static_cast<size_t>(
      std::ranges::count_if(photos, [](const auto& photo) { return !photo.embedding; }));
}

std::vector<std::vector<size_t>> LabelledPhotos::photos_by_person() const {
  std::vector<std::vector<size_t>> by_person(people.size());
  for (size_t photo = 0; photo < photos.size(); ++photo) {
    by_person[photos[photo].person_index].push_back(photo);
  }
  return by_person;
}

Result<LabelledPhotos> embed_labelled_photos(const vision::Pipeline& pipeline,
                                             const PeopleFolder& folder,
                                             const Supervision& supervision) {
  auto results = TRY(embed_photos(pipeline, folder.files, supervision));
  LabelledPhotos labelled{.people = folder.people};
  for (size_t i = 0; i < results.size(); ++i) {
    LabelledPhoto photo{.person_index = static_cast<uint32_t>(folder.photos[i].person_index),
                        .name = folder.photos[i].name};
    if (!results[i]) {
      labelled.unusable.push_back(photo.name + ": " + results[i].error().message);
    } else {
      photo.embedding = std::move(results[i]->embedding);
      photo.quality = results[i]->quality;
    }
    labelled.photos.push_back(std::move(photo));
  }
  if (labelled.failure_count() == labelled.photos.size()) {
    return fail(ErrorCode::NotFound, "no_face_found", "none of the {} photos has a face",
                labelled.photos.size());
  }
  return labelled;
}

Result<LabelledPhotos> read_labelled_embeddings(const std::filesystem::path& npy) {
  const std::vector<std::byte> bytes = TRY(read_file(npy, kMatrix_bytes));
  const gallery::FloatTable table = TRY(gallery::read_npy(bytes));
  const MatrixRows matrix = TRY(read_rows(npy));
  if (matrix.rows.size() != table.row_count) {
    return fail(ErrorCode::InvalidInput, "embedding_rows_malformed",
                "{} has {} rows and {}.json tells of {}", npy.string(), table.row_count,
                npy.string(), matrix.rows.size());
  }
  LabelledPhotos labelled;
  std::map<std::string, uint32_t> person_index_of;
  std::set<std::string> seen;
  for (size_t row = 0; row < table.row_count; ++row) {
    const std::string image = TRY(image_of(matrix.rows[row], row));
    if (!seen.insert(image).second) continue;  // a smaller face of the same photo
    const auto [person, photo] = TRY(person_and_photo(image, row));
    const std::span<const float> values =
        std::span(table.values).subspan(row * table.column_count, table.column_count);
    if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); })) {
      return fail(ErrorCode::InvalidInput, "embedding_not_finite",
                  "row {} of {} holds what is no number", row, npy.string());
    }
    const auto [place, is_new] = person_index_of.emplace(person, labelled.people.size());
    if (is_new) labelled.people.push_back(person);
    labelled.photos.push_back(
        {.person_index = place->second,
         .name = person + "/" + photo,
         .embedding =
             face::Embedding{matrix.model_id, matrix.metric, {values.begin(), values.end()}}});
  }
  return labelled;
}

Result<void> for_each_row(
    const LabelledPhotos& photos,
    const std::function<void(size_t photo, std::span<const float> similarities)>& visit,
    const Supervision& supervision) {
  const auto work = [&](size_t photo) {
    if (!photos.photos[photo].embedding) return;
    std::vector<float> similarities(photos.photos.size());
    compare_with_all(photos, photo, similarities);
    visit(photo, similarities);
  };
  return work_through(photos.photos.size(), work, every_core(), supervision);
}

}  // namespace faceforge::evaluate
