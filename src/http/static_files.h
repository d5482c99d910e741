#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/message.h"

namespace faceforge::http {

/// What a request says about the answer that it wants.
struct FileWish {
  std::string_view if_none_match{};    ///< the field If-None-Match
  std::string_view accept_encoding{};  ///< the field Accept-Encoding
};

/// The built pages, held in memory: what is not in the folder at the start can never be served,
/// whatever a path looks like. `app.js.br` and `app.js.gz` beside `app.js` are its compressed
/// forms.
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
  /// `index.html`; else nothing. The smallest form that the wish accepts; 304 when it names that
  /// form's present content.
  ///
  /// in: `segments` of the path, decoded
  [[nodiscard]] std::optional<Response> find(std::span<const std::string> segments,
                                             const FileWish& wish = {}) const;

 private:
  struct Form {
    std::string_view encoding;  ///< `br`, `gzip`; empty: as it is
    std::shared_ptr<const std::string> content;
    std::string etag;
  };
  struct File {
    std::string_view media_type;
    std::string_view cache_control;
    std::vector<Form> forms;  ///< the preferred first
  };

  void add(const std::string& path, std::string content);
  void forget_forms_alone();

  std::map<std::string, File, std::less<>> files_;
};

}  // namespace faceforge::http
