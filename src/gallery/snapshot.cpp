#include "gallery/snapshot.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "gallery/internal/products.h"
#include "gallery/internal/references.h"
#include "search/index.h"

namespace faceforge::gallery {

namespace {

/// Coordinates that a template has beyond those of an embedding.
size_t template_extra(face::Metric metric) {
  return metric == face::Metric::L2 ? 1 : 0;
}

/// The row that a person's template is in the index, so that the index ranks by
/// `TemplateSum::similarity`: with `Metric::Cosine` the mean of the photos at its own length, with
/// `Metric::L2` one more coordinate, at which every question is 0 and which adds 2 spread to each
/// squared distance.
std::vector<float> template_row(const ModelPerson& person, face::Metric metric) {
  CHECK(person.spread >= 0);
  std::vector<float> row = person.mean;
  if (metric == face::Metric::L2) {
    row.push_back(static_cast<float>(std::sqrt(2 * double{person.spread})));
    return row;
  }
  CHECK(person.spread <= 1);
  for (float& value : row) value *= 1 - person.spread;
  return row;
}

/// A person's photos in the head's space, and the row that `template_row` would make of them there.
/// The mean of photos in that space is not the mean brought there.
///
/// in: somebody whose references are all there
struct ProjectedPerson {
  std::vector<float> row{};
  FloatTable references{};
};

ProjectedPerson through_head(const PersonalHead& head, const ModelPerson& person,
                             face::Metric metric) {
  CHECK(!person.references.empty() && std::cmp_equal(person.references.size(), person.photo_count));
  const FloatTable photos = internal::references_of(person);
  ProjectedPerson projected{.references = project(head.matrix, photos, metric)};
  const auto count = static_cast<double>(photos.row_count);
  std::vector<double> mean(photos.column_count);
  double squares = 0;  // mean square of a photo's length, less that of the mean's: 2 spread
  for (size_t photo = 0; photo < photos.row_count; ++photo) {
    const auto values = internal::row_of(projected.references, photo);
    for (size_t i = 0; i < mean.size(); ++i) {
      mean[i] += double{values[i]} / count;
      squares += double{values[i]} * double{values[i]} / count;
    }
  }
  for (const double value : mean) {
    projected.row.push_back(static_cast<float>(value));
    squares -= value * value;
  }
  if (metric == face::Metric::L2) {
    projected.row.push_back(static_cast<float>(std::sqrt(std::max(0.0, squares))));
  }
  return projected;
}

}  // namespace

struct Snapshot::Parts {
  struct KnownPerson {
    std::string name;
    std::optional<PersonId> id;
    uint32_t first_reference = 0;
    uint32_t reference_count = 0;
  };
  struct KnownReference {
    std::string name;
    std::optional<PhotoId> photo;
  };

  explicit Parts(const GalleryModel& model);

  void add_person(const ModelPerson& person);

  /// The question to `templates` for a face.
  [[nodiscard]] std::vector<float> template_query(const face::Embedding& embedding) const;
  [[nodiscard]] size_t embedding_length() const {
    return templates.embedding_length() - template_extra(templates.metric());
  }
  [[nodiscard]] std::span<const float> reference(size_t row) const {
    return std::span(references).subspan(row * embedding_length(), embedding_length());
  }
  [[nodiscard]] size_t reference_row(size_t person_index, size_t reference_index) const {
    CHECK(person_index < people.size());
    const KnownPerson& person = people[person_index];
    CHECK(reference_index < person.reference_count);
    return person.first_reference + reference_index;
  }
  [[nodiscard]] Candidate candidate(std::span<const float> embedding, size_t person_index,
                                    float similarity) const;

  face::ModelId model_id;
  std::optional<PersonalHead> head;
  std::string pack_id;
  std::optional<face::Calibration> calibration;
  search::ExactIndex templates;   ///< one `template_row` a person
  std::vector<float> references;  ///< one embedding after the other, person by person
  std::vector<KnownPerson> people;
  std::vector<KnownReference> reference_names;
  std::unordered_map<std::string, size_t> index_by_name;
  std::unordered_map<PersonId, size_t> index_by_id;
};

Snapshot::Parts::Parts(const GalleryModel& model)
    : model_id(model.model_id),
      head(model.head),
      pack_id(model.pack_id),
      calibration(model.head ? std::optional(model.head->calibration) : model.calibration),
      templates(static_cast<size_t>(model.embedding_length) + template_extra(model.metric),
                model.metric) {
  size_t reference_count = 0;
  for (const ModelPerson& person : model.people) reference_count += person.references.size();
  templates.reserve(model.people.size());
  references.reserve(reference_count * static_cast<size_t>(model.embedding_length));
  people.reserve(model.people.size());
  reference_names.reserve(reference_count);
  for (const ModelPerson& person : model.people) add_person(person);
}

void Snapshot::Parts::add_person(const ModelPerson& person) {
  const size_t person_index = people.size();
  const auto first_reference = static_cast<uint32_t>(reference_names.size());
  if (head) {
    const auto [row, projected] = through_head(*head, person, templates.metric());
    CHECK(templates.add(row).has_value());
    references.insert(references.end(), projected.values.begin(), projected.values.end());
  } else {
    CHECK(templates.add(template_row(person, templates.metric())).has_value());
  }
  for (const Reference& reference : person.references) {
    CHECK(reference.embedding.size() == embedding_length());
    if (!head) {
      references.insert(references.end(), reference.embedding.begin(), reference.embedding.end());
    }
    reference_names.push_back({reference.name, reference.photo});
  }
  people.push_back({person.name, person.person, first_reference,
                    static_cast<uint32_t>(person.references.size())});
  const bool is_new = index_by_name.emplace(person.name, person_index).second;
  CHECK_MSG(is_new, "names of people are unique");
  if (person.person) index_by_id.emplace(*person.person, person_index);
}

std::vector<float> Snapshot::Parts::template_query(const face::Embedding& embedding) const {
  std::vector<float> query = embedding.values;
  query.resize(templates.embedding_length());
  return query;
}

Candidate Snapshot::Parts::candidate(std::span<const float> embedding, size_t person_index,
                                     float similarity) const {
  const KnownPerson& person = people[person_index];
  Candidate found{.person_index = person_index,
                  .person = person.name,
                  .person_id = person.id,
                  .similarity = similarity};
  std::optional<uint32_t> nearest_row;
  for (uint32_t row = person.first_reference; row < person.first_reference + person.reference_count;
       ++row) {
    const float reference_similarity =
        face::similarity(embedding, reference(row), templates.metric());
    if (!nearest_row || reference_similarity > *found.reference_similarity) {
      nearest_row = row;
      found.reference_similarity = reference_similarity;
    }
  }
  if (nearest_row) {
    found.reference = reference_names[*nearest_row].name;
    found.reference_photo_id = reference_names[*nearest_row].photo;
  }
  return found;
}

Snapshot::Snapshot(const GalleryModel& model) : parts_(std::make_unique<const Parts>(model)) {}
Snapshot::~Snapshot() = default;
Snapshot::Snapshot(Snapshot&&) noexcept = default;
Snapshot& Snapshot::operator=(Snapshot&&) noexcept = default;

const face::ModelId& Snapshot::model_id() const {
  return parts_->model_id;
}
const face::ModelId& Snapshot::space_id() const {
  return parts_->head ? parts_->head->model_id : parts_->model_id;
}
face::Metric Snapshot::metric() const {
  return parts_->templates.metric();
}
const std::string& Snapshot::pack_id() const {
  return parts_->pack_id;
}
size_t Snapshot::person_count() const {
  return parts_->people.size();
}
const std::optional<face::Calibration>& Snapshot::calibration() const {
  return parts_->calibration;
}

const std::optional<face::Calibration>& Snapshot::calibration_beside(
    const std::optional<face::Calibration>& engine_calibration) const {
  return calibration() ? calibration() : engine_calibration;
}

Result<face::Embedding> Snapshot::in_space(const face::Embedding& embedding) const {
  const bool is_there = embedding.model_id == space_id();
  if ((!is_there && embedding.model_id != model_id()) || embedding.metric != metric() ||
      embedding.values.size() != parts_->embedding_length()) {
    return fail(ErrorCode::Conflict, "model_mismatch",
                "the gallery was trained with model {:.12} (pack {}) and cannot be asked with "
                "model {:.12}: train it again, or use that pack",
                model_id().hex(), pack_id(), embedding.model_id.hex());
  }
  if (is_there) return embedding;
  return face::Embedding{space_id(), metric(),
                         project(parts_->head->matrix, embedding.values, metric())};
}

std::optional<PersonId> Snapshot::person_id(size_t person_index) const {
  CHECK(person_index < parts_->people.size());
  return parts_->people[person_index].id;
}

size_t Snapshot::reference_count(size_t person_index) const {
  CHECK(person_index < parts_->people.size());
  return parts_->people[person_index].reference_count;
}

std::span<const float> Snapshot::reference(size_t person_index, size_t reference_index) const {
  return parts_->reference(parts_->reference_row(person_index, reference_index));
}

std::optional<PhotoId> Snapshot::photo_id(size_t person_index, size_t reference_index) const {
  return parts_->reference_names[parts_->reference_row(person_index, reference_index)].photo;
}

std::optional<size_t> Snapshot::find(PersonId person) const {
  const auto found = parts_->index_by_id.find(person);
  if (found == parts_->index_by_id.end()) return std::nullopt;
  return found->second;
}

size_t Snapshot::memory_bytes() const {
  constexpr size_t kBytesAName = 200;  // two strings, an entry of each map
  return parts_->templates.memory_bytes() + parts_->references.capacity() * sizeof(float) +
         (parts_->head ? parts_->head->matrix.values.size() * sizeof(float) : 0) +
         kBytesAName * (parts_->people.size() + parts_->reference_names.size());
}

Result<std::vector<Candidate>> Snapshot::nearest(const face::Embedding& embedding,
                                                 size_t count) const {
  CHECK(count <= kMaxCandidates);
  const auto asked = TRY(in_space(embedding));
  std::vector<Candidate> candidates;
  const std::vector<float> query = parts_->template_query(asked);
  const auto neighbours = TRY(parts_->templates.nearest(query, count));
  for (const search::Neighbour& neighbour : neighbours) {
    candidates.push_back(parts_->candidate(asked.values, neighbour.row, neighbour.similarity));
  }
  return candidates;
}

Result<Candidate> Snapshot::compare(const face::Embedding& embedding,
                                    std::string_view person) const {
  const auto asked = TRY(in_space(embedding));
  const auto found = parts_->index_by_name.find(std::string(person));
  if (found == parts_->index_by_name.end()) {
    return fail(ErrorCode::NotFound, "person_not_trained", "the trained gallery does not know `{}`",
                person);
  }
  const float similarity = face::similarity(
      parts_->template_query(asked), parts_->templates.row(static_cast<uint32_t>(found->second)),
      parts_->templates.metric());
  return parts_->candidate(asked.values, found->second, similarity);
}

Result<Candidate> Snapshot::compare(const face::Embedding& embedding, PersonId person) const {
  const auto index = find(person);
  if (!index) {
    return fail(ErrorCode::NotFound, "person_not_trained",
                "this trained version does not know the person: train the gallery again");
  }
  return compare(embedding, parts_->people[*index].name);
}

}  // namespace faceforge::gallery
