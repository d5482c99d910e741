#include "base/output_folder.h"

#include <system_error>

#include "base/file.h"

namespace faceforge {

Result<void> make_output_folder(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (std::filesystem::is_directory(folder, ignored)) return {};
  return make_private_folder(folder);
}

}  // namespace faceforge
