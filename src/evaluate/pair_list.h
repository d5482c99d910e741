#pragma once

#include <compare>
#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace faceforge::evaluate {

enum class PairKind {
  Genuine,   ///< two photos of one person
  Impostor,  ///< photos of two people
};

/// A photo as LFW names it: `PERSON/PERSON_0001.jpg` for number 1.
struct PhotoName {
  std::string person;
  int number = 0;
  auto operator<=>(const PhotoName&) const = default;
};

struct Pair {
  PhotoName first;
  PhotoName second;
  PairKind kind = PairKind::Genuine;
  int fold_index = 0;
};

/// LFW's pairs list: folds of as many genuine as impostor pairs.
struct PairList {
  int fold_count = 0;
  std::vector<Pair> pairs;  ///< fold by fold, the genuine ones first
};

/// What a pairs list may ask for.
struct PairListLimits {
  size_t file_bytes = size_t{64} << 20;
  int fold_count = 1'000;
  int pair_count = 1'000'000;
  size_t person_name_bytes = 200;
};

/// Reads LFW's pairs format.
///
/// in:     first line `FOLDS PAIRS`; then, for each fold, PAIRS lines `person number number`
///         (genuine) and PAIRS lines `person number person number` (impostors). The words are
///         separated by tabs, or by spaces in a line without a tab. A trailing carriage return and
///         empty lines at the end are ignored.
/// fails:  too_large/pair_list_too_large; invalid_input/pair_list_malformed with the line's number:
///         a missing line, a wrong count of words, a number outside 1 to 9999, a name that is
///         empty, too long or no single path component, an impostor pair of one person
/// source: Huang et al. 2007, "Labeled Faces in the Wild", `pairs.txt` of View 2
[[nodiscard]] Result<PairList> parse_pair_list(std::string_view text,
                                               const PairListLimits& limits = {});

/// Reads a pairs list from a file. Fails as `parse_pair_list`, naming the file, and
/// `read_text_file`.
[[nodiscard]] Result<PairList> read_pair_list(const std::filesystem::path& file,
                                              const PairListLimits& limits = {});

/// out: everyone who occurs in the list
[[nodiscard]] std::set<std::string> people_of(const PairList& list);

/// Finds a photo of the list below the folder of images, as .jpg, .jpeg, .png or .webp.
///
/// fails: not_found/photo_missing naming the first of these
[[nodiscard]] Result<std::filesystem::path> photo_file(const std::filesystem::path& images,
                                                       const PhotoName& name);

}  // namespace faceforge::evaluate
