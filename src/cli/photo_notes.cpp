#include "cli/photo_notes.h"

#include <fmt/format.h>

#include "cli/console.h"
#include "cli/text.h"

namespace faceforge::cli {

void note_photos(const std::vector<std::string>& photos) {
  for (const std::string& photo : photos) {
    note(fmt::format("faceforge: {}\n", to_printable(photo)));
  }
}

}  // namespace faceforge::cli
