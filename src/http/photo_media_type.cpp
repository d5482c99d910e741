#include "http/photo_media_type.h"

#include <array>

namespace faceforge::http {
namespace {

struct Signature {
  size_t offset;
  std::string_view bytes;
  std::string_view media_type;
};

using namespace std::string_view_literals;

// The brands of ISO/IEC 23008-12 and of AVIF stand at byte 8 of their first box.
constexpr auto kSignatures = std::to_array<Signature>({
    {0, "\xff\xd8\xff"sv, "image/jpeg"},
    {0, "\x89PNG\r\n"sv, "image/png"},
    {0, "GIF8"sv, "image/gif"},
    {8, "WEBP"sv, "image/webp"},
    {0, "II*\0"sv, "image/tiff"},
    {0, "MM\0*"sv, "image/tiff"},
    {4, "ftypavi"sv, "image/avif"},
    {4, "ftyp"sv, "image/heic"},
});

}  // namespace

std::string_view photo_media_type(std::span<const std::byte> file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  for (const auto& [offset, bytes, media_type] : kSignatures) {
    if (text.size() > offset && text.substr(offset).starts_with(bytes)) return media_type;
  }
  return "application/octet-stream";
}

}  // namespace faceforge::http
