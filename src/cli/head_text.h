#pragma once

#include <string>

#include "gallery/personal_head.h"

namespace faceforge::cli {

/// What a head's trial showed, for people: a table, and what follows from it.
[[nodiscard]] std::string head_trial_text(const gallery::HeadTrial& trial);

}  // namespace faceforge::cli
