#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/result.h"
#include "image/internal/heif_boxes.h"

namespace faceforge::image::internal {

/// A picture of a HEIC or AVIF file, or what one is made from.
struct HeifItem {
  std::string_view type;              ///< `hvc1` and `av01` are coded pictures, `grid` joins others
  std::vector<Box> properties;        ///< `ispe`, `hvcC`, `av1C`, ...
  std::vector<Bytes> extents;         ///< where its data lies, in order
  std::vector<uint32_t> made_from;    ///< items that are decoded for it, as often as they are named
  std::vector<uint32_t> auxiliaries;  ///< its alpha, say
};

struct HeifItems {
  std::map<uint32_t, HeifItem> by_id;
  uint32_t primary = 0;
};

/// Reads which items a file has, without their data.
///
/// fails:  invalid_input/image_damaged when the items together name more bytes than the file has,
///         as no encoder does (data is not shared), or there are more than 100 000 of anything;
///         when libheif could read something else: several `meta` boxes, an item that is named
///         twice, places outside of `idat` or with numbers of a size that it skips, references that
///         do not fill their boxes
/// cost:   O(bytes of the meta box)
/// source: ISO/IEC 14496-12, section 8.11, and ISO/IEC 23008-12, section 6
[[nodiscard]] Result<HeifItems> read_heif_items(Bytes file);

}  // namespace faceforge::image::internal
