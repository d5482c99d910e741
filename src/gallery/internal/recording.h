#pragma once

#include "base/result.h"
#include "gallery/gallery.h"
#include "store/database.h"

namespace faceforge::gallery::internal {

/// Asked in the transaction that keeps something, so that nothing is kept once recording is off.
///
/// fails: conflict/recording_off; not_found/gallery_not_found
[[nodiscard]] Result<void> require_recording(store::Transaction& transaction, UserId user,
                                             GalleryId gallery);

}  // namespace faceforge::gallery::internal
