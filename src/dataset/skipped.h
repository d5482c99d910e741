#pragma once

#include <string>

#include "base/error.h"

namespace faceforge::dataset {

/// A photo or a person that was left out, and why.
struct Skipped {
  std::string name;  ///< `PERSON/PHOTO`, or `PERSON`
  Error error;
};

}  // namespace faceforge::dataset
