#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace faceforge::http {

/// The built pages, held in memory: what is not in the folder at the start can never be served,
/// whatever a path looks like.
class StaticFiles {
 public:
  static constexpr size_t kMaxFiles = 2'000;
  static constexpr size_t kMaxBytes = size_t{64} << 20;

  /// None at all.
  StaticFiles() = default;

  /// Reads a folder with everything below it; links are not followed.
  ///
  /// fails: not_found/web_folder_not_found when there is no `index.html` in it;
  ///        too_large/web_folder_too_large; as read_file
  [[nodiscard]] static Result<StaticFiles> load(const std::filesystem::path& folder);

  /// A file; for a path without a file extension, which is one of the pages' own addresses,
  /// `index.html`; else nothing. 304 when `if_none_match` names the file's present content.
  ///
  /// in: `segments` of the path, decoded
  [[nodiscard]] std::optional<Response> find(std::span<const std::string> segments,
                                             std::string_view if_none_match) const;

 private:
  struct File {
    std::shared_ptr<const std::string> content;
    std::string_view media_type;
    std::string etag;
    std::string_view cache_control;
  };

  std::map<std::string, File, std::less<>> files_;
};

}  // namespace faceforge::http
