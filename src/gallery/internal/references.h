#pragma once

#include "gallery/gallery_model.h"
#include "gallery/npy.h"

namespace faceforge::gallery::internal {

/// The embeddings of a person's references, a row each.
///
/// in: somebody who has one or more, all of one length
[[nodiscard]] inline FloatTable references_of(const ModelPerson& person) {
  FloatTable table{.row_count = person.references.size(),
                   .column_count = person.references.front().embedding.size()};
  for (const Reference& reference : person.references) {
    table.values.insert(table.values.end(), reference.embedding.begin(), reference.embedding.end());
  }
  return table;
}

}  // namespace faceforge::gallery::internal
