#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "gallery/gallery.h"
#include "store/database.h"

namespace faceforge::gallery::internal {

/// Asked in the transaction that keeps something, so that nothing is kept once recording is off,
/// nor what was seen while it was or before all was deleted.
///
/// out:   since when what is seen may be kept
/// fails: conflict/recording_off, also when that is later than `seen_ms`;
///        not_found/gallery_not_found
[[nodiscard]] Result<UnixTime_ms> recorded_since(store::Transaction& transaction, UserId user,
                                                 GalleryId gallery, UnixTime_ms seen_ms);

}  // namespace faceforge::gallery::internal
