#include "http/static_files.h"

#include <array>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "base/sha256.h"

namespace faceforge::http {
namespace {

constexpr std::string_view kIndex = "index.html";

constexpr auto kMediaTypes = std::to_array<std::pair<std::string_view, std::string_view>>({
    {".css", "text/css; charset=utf-8"},
    {".html", "text/html; charset=utf-8"},
    {".ico", "image/x-icon"},
    {".jpg", "image/jpeg"},
    {".js", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".png", "image/png"},
    {".svg", "image/svg+xml"},
    {".txt", "text/plain; charset=utf-8"},
    {".wasm", "application/wasm"},
    {".webmanifest", "application/manifest+json"},
    {".webp", "image/webp"},
    {".woff2", "font/woff2"},
});

std::string_view media_type_of(const std::filesystem::path& file) {
  const std::string extension = file.extension().string();
  for (const auto& [known, media_type] : kMediaTypes) {
    if (extension == known) return media_type;
  }
  return "application/octet-stream";
}

/// Vite names what lies under `assets/` by its content.
std::string_view cache_control_of(std::string_view path) {
  return path.starts_with("assets/") ? "public, max-age=31536000, immutable" : "no-cache";
}

/// What a page may do: nothing but what it is made for. Styles set on elements by scripts are the
/// face boxes; blob addresses are previews of photos not uploaded yet.
constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'";

}  // namespace

Result<StaticFiles> StaticFiles::load(const std::filesystem::path& folder) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(folder / kIndex, error)) {
    return fail(ErrorCode::NotFound, "web_folder_not_found",
                "there is no index.html in {}; build the pages, or serve without them",
                folder.string());
  }
  StaticFiles files;
  size_t bytes = 0;
  for (std::filesystem::recursive_directory_iterator entry(folder, error), end;
       !error && entry != end; entry.increment(error)) {
    if (entry->is_symlink() || !entry->is_regular_file()) continue;
    if (files.files_.size() == kMaxFiles) {
      return fail(ErrorCode::TooLarge, "web_folder_too_large", "{} has more than {} files",
                  folder.string(), kMaxFiles);
    }
    std::string content = TRY(read_text_file(entry->path(), kMaxBytes));
    bytes += content.size();
    if (bytes > kMaxBytes) {
      return fail(ErrorCode::TooLarge, "web_folder_too_large", "{} has more than {} bytes",
                  folder.string(), kMaxBytes);
    }
    const std::string path = entry->path().lexically_relative(folder).generic_string();
    File file{.content = {},
              .media_type = media_type_of(entry->path()),
              .etag = fmt::format("\"{}\"", to_hex(sha256(content)).substr(0, 32)),
              .cache_control = cache_control_of(path)};
    file.content = std::make_shared<const std::string>(std::move(content));
    files.files_.emplace(path, std::move(file));
  }
  if (error) return Unexpected(file_error(error.value(), "list", folder));
  return files;
}

std::optional<Response> StaticFiles::find(std::span<const std::string> segments,
                                          std::string_view if_none_match) const {
  if (files_.empty()) return std::nullopt;
  const std::string path = fmt::format("{}", fmt::join(segments, "/"));
  auto found = files_.find(path);
  if (found == files_.end()) {
    const bool is_page = segments.empty() || !segments.back().contains('.');
    if (!is_page) return std::nullopt;
    found = files_.find(kIndex);
  }
  const File& file = found->second;
  Response response{.headers = {{"Content-Type", std::string(file.media_type)},
                                {"Cache-Control", std::string(file.cache_control)},
                                {"ETag", file.etag},
                                {"Content-Security-Policy", std::string(kContentSecurityPolicy)}},
                    .body = file.content};
  if (if_none_match == file.etag) {
    response.status = 304;
    response.body = {};
  }
  return response;
}

}  // namespace faceforge::http
