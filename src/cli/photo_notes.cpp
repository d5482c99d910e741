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

json::array names_json(const std::vector<std::string>& names) {
  json::array written;
  for (const std::string& name : names) written.push_back(json::value(name));
  return written;
}

}  // namespace faceforge::cli
