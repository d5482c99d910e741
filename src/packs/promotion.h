#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "face/model_id.h"

namespace faceforge::packs {

/// A pack that was shown to be better than the one before it, and is the default for that reason,
/// whatever its rank.
struct Promotion {
  std::string pack_id = {};
  face::ModelId model_id = {};  ///< a pack of this id that is of another model is not meant
  std::string against = {};     ///< the id of the pack that it was measured against
};

/// How many are remembered: the oldest are forgotten.
inline constexpr size_t kMaxPromotions = 20;

/// The promotions of a packs folder, the oldest first: the last one counts.
///
/// out:   none where there is no such file
/// fails: corrupt/promotions_damaged; as read_text_file
[[nodiscard]] Result<std::vector<Promotion>> read_promotions(
    const std::filesystem::path& packs_folder);

/// Makes a pack the default from now on.
///
/// in:    a usable pack of the packs folder, or of the folder of packs in place
/// fails: busy/install_in_progress; as read_promotions and write_file_atomically
[[nodiscard]] Result<void> promote(const std::filesystem::path& packs_folder,
                                   const Promotion& promotion);

/// Takes the last promotion back: the default is what it was before.
///
/// out:   the promotion that was taken back
/// fails: not_found/nothing_promoted; as promote
[[nodiscard]] Result<Promotion> undo_promotion(const std::filesystem::path& packs_folder);

}  // namespace faceforge::packs
