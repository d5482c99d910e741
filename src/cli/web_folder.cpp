#include "cli/web_folder.h"

#include <cstdlib>
#include <system_error>

namespace faceforge::cli {

namespace fs = std::filesystem;

fs::path find_web_folder(const fs::path& program) {
  const char* named = std::getenv("FACEFORGE_WEB");
  if (named != nullptr && *named != '\0') return named;
  const fs::path bin = program.parent_path();
  for (const fs::path& folder : {bin / "../../../web/dist", bin / "../share/faceforge/web"}) {
    std::error_code ignored;
    if (fs::is_regular_file(folder / "index.html", ignored)) return folder.lexically_normal();
  }
  return {};
}

fs::path default_web_folder() {
  std::error_code unknown;
  return find_web_folder(fs::read_symlink("/proc/self/exe", unknown));
}

}  // namespace faceforge::cli
