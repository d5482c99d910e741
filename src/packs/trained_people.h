#pragma once

#include <vector>

#include "base/result.h"
#include "crops/trained_people.h"
#include "packs/registry.h"

namespace faceforge::packs {

/// Whom the networks of a pack on this machine were trained on, as far as its card tells.
///
/// out:   one entry a network that says so; none where nobody wrote it down
/// fails: as the fault of the pack; not_found/pack_file_missing;
///        corrupt/trained_people_malformed naming the file; as read_text_file
[[nodiscard]] Result<std::vector<crops::TrainedPeople>> read_trained_people(const PackEntry& pack);

}  // namespace faceforge::packs
