#include "http/static_files.h"

#include <algorithm>
#include <array>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "base/sha256.h"
#include "http/header_value.h"

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

struct Encoding {
  std::string_view name;    ///< as Content-Encoding
  std::string_view suffix;  ///< of the file that holds it
};

/// The smallest first; what has no suffix is the file itself.
constexpr auto kEncodings = std::to_array<Encoding>({{"br", ".br"}, {"gzip", ".gz"}, {"", ""}});

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

/// Whether a list like `gzip, deflate;q=0.5, br` has an encoding, and does not refuse it with q=0.
///
/// source: RFC 9110, section 12.5.3; preferences between encodings are the server's
bool is_accepted(std::string_view accept_encoding, std::string_view encoding) {
  while (!accept_encoding.empty()) {
    const size_t comma = std::min(accept_encoding.find(','), accept_encoding.size());
    const auto item = parse_header_value(trimmed(accept_encoding.substr(0, comma)));
    accept_encoding.remove_prefix(std::min(comma + 1, accept_encoding.size()));
    if (!item || !same_token(item->token, encoding)) continue;
    const std::string weight = item->parameter("q").value_or("1");
    return weight.find_first_not_of("0.") != std::string::npos;
  }
  return false;
}

}  // namespace

Result<StaticFiles> StaticFiles::load(const std::filesystem::path& folder) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(folder / kIndex, error)) {
    return fail(ErrorCode::NotFound, "web_folder_not_found",
                "there is no index.html in {}; build the pages, or serve without them",
                folder.string());
  }
  StaticFiles files;
  size_t file_count = 0;
  size_t bytes = 0;
  for (std::filesystem::recursive_directory_iterator entry(folder, error), end;
       !error && entry != end; entry.increment(error)) {
    if (entry->is_symlink() || !entry->is_regular_file()) continue;
    if (file_count == kMaxFiles) {
      return fail(ErrorCode::TooLarge, "web_folder_too_large", "{} has more than {} files",
                  folder.string(), kMaxFiles);
    }
    std::string content = TRY(read_text_file(entry->path(), kMaxBytes));
    ++file_count;
    bytes += content.size();
    if (bytes > kMaxBytes) {
      return fail(ErrorCode::TooLarge, "web_folder_too_large", "{} has more than {} bytes",
                  folder.string(), kMaxBytes);
    }
    files.add(entry->path().lexically_relative(folder).generic_string(), std::move(content));
  }
  if (error) return Unexpected(file_error(error.value(), "list", folder));
  files.forget_forms_alone();
  return files;
}

void StaticFiles::add(const std::string& path, std::string content) {
  const auto encoding = std::ranges::find_if(
      kEncodings, [&](const Encoding& known) { return path.ends_with(known.suffix); });
  const std::string plain = path.substr(0, path.size() - encoding->suffix.size());
  File& file = files_[plain];
  file.media_type = media_type_of(plain);
  file.cache_control = cache_control_of(plain);
  Form form{.encoding = encoding->name,
            .content = {},
            .etag = fmt::format("\"{}\"", to_hex(sha256(content)).substr(0, 32))};
  form.content = std::make_shared<const std::string>(std::move(content));
  file.forms.push_back(std::move(form));
  std::ranges::sort(file.forms, {}, [](const Form& one) {
    return std::ranges::find(kEncodings, one.encoding, &Encoding::name) - kEncodings.begin();
  });
}

/// A compressed form alone would leave nothing for those who cannot read it.
void StaticFiles::forget_forms_alone() {
  std::erase_if(files_,
                [](const auto& file) { return !file.second.forms.back().encoding.empty(); });
}

std::optional<Response> StaticFiles::find(std::span<const std::string> segments,
                                          const FileWish& wish) const {
  if (files_.empty()) return std::nullopt;
  const std::string path = fmt::format("{}", fmt::join(segments, "/"));
  auto found = files_.find(path);
  if (found == files_.end()) {
    const bool is_page = segments.empty() || !segments.back().contains('.');
    if (!is_page) return std::nullopt;
    found = files_.find(kIndex);
  }
  const File& file = found->second;
  const Form& form = *std::ranges::find_if(file.forms, [&](const Form& one) {
    return one.encoding.empty() || is_accepted(wish.accept_encoding, one.encoding);
  });
  Response response{.headers = {{"Content-Type", std::string(file.media_type)},
                                {"Cache-Control", std::string(file.cache_control)},
                                {"ETag", form.etag},
                                {"Vary", "Accept-Encoding"},
                                {"Content-Security-Policy", std::string(kContentSecurityPolicy)}},
                    .body = form.content};
  if (!form.encoding.empty()) {
    response.headers.add("Content-Encoding", std::string(form.encoding));
  }
  if (wish.if_none_match == form.etag) {
    response.status = 304;
    response.body = {};
  }
  return response;
}

}  // namespace faceforge::http
