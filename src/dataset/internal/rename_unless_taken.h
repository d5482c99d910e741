#pragma once

#include <string>

namespace faceforge::dataset {

/// Renames a file unless something has the new name. On a file system without such a rename (NFS)
/// it looks first: what takes the name in that moment is replaced.
///
/// in:  folders as open descriptors, or AT_FDCWD for names that are paths
/// out: 0, or the error's number: EEXIST when the name is taken, EXDEV between two file systems
[[nodiscard]] int rename_unless_taken(int from_folder, const std::string& from, int to_folder,
                                      const std::string& to);

}  // namespace faceforge::dataset
