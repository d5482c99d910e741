#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <random>
#include <string>

namespace faceforge::test {

/// The checkout that is tested. Its path is compiled into one file of the support library alone, so
/// that a compiler cache serves the tests of every checkout.
std::filesystem::path source_folder();

/// The folder of test data and model packs: `FACEFORGE_TEST_DATA`, or `../shared/data` beside the
/// checkout. Nothing when it is not there: such tests call SKIP_WITHOUT_TEST_DATA and say so.
inline std::optional<std::filesystem::path> test_data() {
  const char* named = std::getenv("FACEFORGE_TEST_DATA");
  const std::filesystem::path folder =
      named != nullptr ? std::filesystem::path(named) : source_folder() / "../shared/data";
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder / "packs", ignored)) return std::nullopt;
  return std::filesystem::weakly_canonical(folder);
}

/// A fresh folder, removed with everything in it at the end of the scope.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::random_device random;
    path_ = std::filesystem::temp_directory_path() /
            ("faceforge-test-" + std::to_string(random()) + std::to_string(random()));
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace faceforge::test

#define SKIP_WITHOUT_TEST_DATA(name)                                       \
  const auto name##_folder_ = ::faceforge::test::test_data();              \
  if (!name##_folder_) GTEST_SKIP() << "FACEFORGE_TEST_DATA is not there"; \
  const std::filesystem::path name = *name##_folder_
