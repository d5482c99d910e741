#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gallery/gallery.h"
#include "gallery/train.h"
#include "store/database.h"

namespace faceforge::gallery::internal {

/// The row ids of the versions with this photo in its person's template.
[[nodiscard]] Result<std::vector<int64_t>> versions_using(store::Transaction& transaction,
                                                          UserId user, PhotoId photo);

/// Takes the personal head from the versions that a condition names, with what its trial showed.
/// Without it they answer in the pack's space again.
///
/// in: `condition` on `versions`, with $2 for `of`
[[nodiscard]] Result<void> drop_heads(store::Transaction& transaction, UserId user,
                                      std::string_view condition, int64_t of);

/// The templates of one version while photos leave them and join them: exactly, because templates
/// are sums of whole numbers. Nothing is written before `write`.
class TemplateChange {
 public:
  /// `transaction` outlives this object.
  TemplateChange(store::Transaction& transaction, UserId user, int64_t version_row)
      : transaction_(transaction), user_(user), version_row_(version_row) {}

  /// in:    a photo that `versions_using` named this version for, and the person it is now with
  /// fails: corrupt/template_damaged; corrupt/embedding_damaged
  [[nodiscard]] Result<void> take_out(PhotoId photo, PersonId person);

  /// Adds the photo to a template, which is made where the version has none of this person.
  ///
  /// fails: as take_out
  [[nodiscard]] Result<void> put_in(PhotoId photo, PersonId person);

  /// A template that lost its last photo goes, and so does the version's personal head: a matrix
  /// that was computed from photos keeps a trace of one that is deleted, and was trained and tried
  /// on whose they were.
  [[nodiscard]] Result<void> write();

 private:
  [[nodiscard]] Result<std::vector<float>> embedding_of(PhotoId photo);
  [[nodiscard]] Result<TemplateSum*> template_of(PersonId person, size_t embedding_length);

  store::Transaction& transaction_;
  UserId user_;
  int64_t version_row_;
  std::map<PersonId, TemplateSum> sums_;
};

}  // namespace faceforge::gallery::internal
