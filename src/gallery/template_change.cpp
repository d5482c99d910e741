#include "gallery/internal/template_change.h"

#include "gallery/internal/rows.h"

namespace faceforge::gallery::internal {

Result<std::vector<int64_t>> versions_using(store::Transaction& transaction, UserId user,
                                            PhotoId photo) {
  const auto rows = TRY(transaction.query(
      "select version_id from version_photos where owner_id = $1 and photo_id = $2"
      " and standing = $3 order by version_id",
      user, photo, static_cast<int64_t>(Standing::Used)));
  std::vector<int64_t> versions;
  versions.reserve(rows.size());
  for (const store::Row row : rows) versions.push_back(row.integer(0));
  return versions;
}

Result<void> drop_heads(store::Transaction& transaction, UserId user, std::string_view condition,
                        int64_t of) {
  TRY(transaction.execute(
      fmt::format("update versions set head = null, head_calibration = null, head_trial = null"
                  " where owner_id = $1 and {}",
                  condition),
      user, of));
  return {};
}

Result<std::vector<float>> TemplateChange::embedding_of(PhotoId photo) {
  const auto rows =
      TRY(transaction_.query("select v.embedding_length, e.embedding from versions v"
                             " join embeddings e on e.photo_id = $3 and e.model_id = v.model_id"
                             " where v.owner_id = $1 and v.id = $2",
                             user_, version_row_, photo));
  if (rows.empty()) {
    return fail(ErrorCode::Corrupt, "embedding_damaged",
                "the embedding of photo {} that a version was trained with is gone", photo.value());
  }
  return floats_from_bytes(rows[0].blob(1), static_cast<size_t>(rows[0].integer(0)));
}

Result<TemplateSum*> TemplateChange::template_of(PersonId person, size_t embedding_length) {
  const auto known = sums_.find(person);
  if (known != sums_.end()) return &known->second;
  const auto rows =
      TRY(transaction_.query("select template from version_people"
                             " where owner_id = $1 and version_id = $2 and person_id = $3",
                             user_, version_row_, person));
  TemplateSum sum(embedding_length);
  if (!rows.empty()) sum = TRY(TemplateSum::from_bytes(rows[0].blob(0), embedding_length));
  return &sums_.emplace(person, std::move(sum)).first->second;
}

Result<void> TemplateChange::take_out(PhotoId photo, PersonId person) {
  const auto embedding = TRY(embedding_of(photo));
  TemplateSum* sum = TRY(template_of(person, embedding.size()));
  if (sum->count() == 0) {
    return fail(ErrorCode::Corrupt, "template_damaged",
                "a version was trained with photo {} and has no template of its person",
                photo.value());
  }
  sum->remove(embedding);
  return {};
}

Result<void> TemplateChange::put_in(PhotoId photo, PersonId person) {
  const auto embedding = TRY(embedding_of(photo));
  TRY(template_of(person, embedding.size()))->add(embedding);
  return {};
}

Result<void> TemplateChange::write() {
  for (const auto& [person, sum] : sums_) {
    if (sum.count() == 0) {
      TRY(transaction_.execute(
          "delete from version_people where owner_id = $1 and version_id = $2 and person_id = $3",
          user_, version_row_, person));
      continue;
    }
    TRY(transaction_.execute(
        "insert into version_people (version_id, person_id, owner_id, template)"
        " values ($1, $2, $3, $4)"
        " on conflict (version_id, person_id) do update set template = excluded.template",
        version_row_, person, user_, sum.to_bytes()));
  }
  return drop_heads(transaction_, user_, "id = $2", version_row_);
}

}  // namespace faceforge::gallery::internal
