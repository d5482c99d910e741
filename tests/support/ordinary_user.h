#pragma once

#include <filesystem>

#include <unistd.h>

namespace faceforge::test {

/// Takes root's privileges away until the end of the scope, so that permissions mean something to a
/// test that runs as root, and gives a folder with all that is in it to the user it becomes.
/// Without root nothing happens.
class AsOrdinaryUser {
 public:
  explicit AsOrdinaryUser(const std::filesystem::path& folder) {
    if (::geteuid() != 0) return;
    give(folder);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      give(entry.path());
    }
    changed_ = ::setegid(kNobody) == 0 && ::seteuid(kNobody) == 0;
  }
  ~AsOrdinaryUser() {
    if (changed_ && (::seteuid(0) != 0 || ::setegid(0) != 0)) ::_exit(1);
  }
  AsOrdinaryUser(const AsOrdinaryUser&) = delete;
  AsOrdinaryUser& operator=(const AsOrdinaryUser&) = delete;

 private:
  static constexpr uid_t kNobody = 65534;

  static void give(const std::filesystem::path& path) {
    if (::chown(path.c_str(), kNobody, kNobody) != 0) ::_exit(1);
  }

  bool changed_ = false;
};

}  // namespace faceforge::test
