#include "support/test_data.h"

namespace faceforge::test {

std::filesystem::path source_folder() {
  return FACEFORGE_SOURCE_DIR;
}

}  // namespace faceforge::test
