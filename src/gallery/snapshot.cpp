#include "gallery/snapshot.h"

#include <cmath>
#include <unordered_map>

#include "base/check.h"
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
  [[nodiscard]] Result<void> check_model(const face::Embedding& embedding) const;
  [[nodiscard]] Candidate candidate(std::span<const float> embedding, size_t person_index,
                                    float similarity) const;

  face::ModelId model_id;
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
      pack_id(model.pack_id),
      calibration(model.calibration),
      templates(static_cast<size_t>(model.embedding_length) + template_extra(model.metric),
                model.metric) {
  size_t reference_count = 0;
  for (const ModelPerson& person : model.people) reference_count += person.references.size();
  templates.reserve(model.people.size());
  references.reserve(reference_count * static_cast<size_t>(model.embedding_length));
  people.reserve(model.people.size());
  reference_names.reserve(reference_count);
  for (const ModelPerson& person : model.people) {
    const size_t person_index = people.size();
    const auto first_reference = static_cast<uint32_t>(reference_names.size());
    CHECK(templates.add(template_row(person, model.metric)).has_value());
    for (const Reference& reference : person.references) {
      CHECK(reference.embedding.size() == embedding_length());
      references.insert(references.end(), reference.embedding.begin(), reference.embedding.end());
      reference_names.push_back({reference.name, reference.photo});
    }
    people.push_back({person.name, person.person, first_reference,
                      static_cast<uint32_t>(person.references.size())});
    const bool is_new = index_by_name.emplace(person.name, person_index).second;
    CHECK_MSG(is_new, "names of people are unique");
    if (person.person) index_by_id.emplace(*person.person, person_index);
  }
}

std::vector<float> Snapshot::Parts::template_query(const face::Embedding& embedding) const {
  std::vector<float> query = embedding.values;
  query.resize(templates.embedding_length());
  return query;
}

Result<void> Snapshot::Parts::check_model(const face::Embedding& embedding) const {
  if (embedding.model_id != model_id || embedding.metric != templates.metric() ||
      embedding.values.size() != embedding_length()) {
    return fail(ErrorCode::Conflict, "model_mismatch",
                "the gallery was trained with model {:.12} (pack {}) and cannot be asked with "
                "model {:.12}: train it again, or use that pack",
                model_id.hex(), pack_id, embedding.model_id.hex());
  }
  return {};
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
         kBytesAName * (parts_->people.size() + parts_->reference_names.size());
}

Result<std::vector<Candidate>> Snapshot::nearest(const face::Embedding& embedding,
                                                 size_t count) const {
  CHECK(count <= kMaxCandidates);
  TRY(parts_->check_model(embedding));
  std::vector<Candidate> candidates;
  const std::vector<float> query = parts_->template_query(embedding);
  const auto neighbours = TRY(parts_->templates.nearest(query, count));
  for (const search::Neighbour& neighbour : neighbours) {
    candidates.push_back(parts_->candidate(embedding.values, neighbour.row, neighbour.similarity));
  }
  return candidates;
}

Result<Candidate> Snapshot::compare(const face::Embedding& embedding,
                                    std::string_view person) const {
  TRY(parts_->check_model(embedding));
  const auto found = parts_->index_by_name.find(std::string(person));
  if (found == parts_->index_by_name.end()) {
    return fail(ErrorCode::NotFound, "person_not_trained", "the trained gallery does not know `{}`",
                person);
  }
  const float similarity = face::similarity(
      parts_->template_query(embedding),
      parts_->templates.row(static_cast<uint32_t>(found->second)), parts_->templates.metric());
  return parts_->candidate(embedding.values, found->second, similarity);
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
