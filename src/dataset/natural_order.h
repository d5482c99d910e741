#pragma once

#include <string_view>

namespace faceforge::dataset {

/// The order in which people count: digits compare as the number they are (`image2` before
/// `image10`, of any length), letters of ASCII without their case, all else byte by byte, which is
/// the order of code points in UTF-8. What is equal so far is ordered by its bytes, so that two
/// names are only equal when they are the same.
[[nodiscard]] bool natural_less(std::string_view a, std::string_view b);

}  // namespace faceforge::dataset
