// Unpacks damaged zips: faceforge_fuzz_zip [COUNT] [SEED]
//
// A crash, a leak or undefined behaviour is for the sanitizers to report; this program itself
// checks that what comes back keeps to the limits or is one of the documented refusals, in time and
// within its memory.

#include <algorithm>
#include <filesystem>

#include "archive/zip.h"
#include "reader.h"

namespace faceforge {
namespace {

using fuzz::Bytes;

constexpr archive::ZipLimits kLimits{.entries = 20, .total_bytes = 1 << 20, .ratio = 200};

Bytes text_of(size_t size_bytes, unsigned step) {
  Bytes text(size_bytes);
  for (size_t i = 0; i < size_bytes; ++i) text[i] = static_cast<std::byte>(i * step / 7);
  return text;
}

std::vector<Bytes> originals() {
  const archive::ZipEntries entries{{"a.txt", text_of(40, 3)},
                                    {"folder/b.bin", text_of(4000, 31)},
                                    {"folder/in/c", text_of(100'000, 0)},
                                    {"\xC3\xA4", {}}};
  return {archive::write_zip(entries, archive::Compression::Deflate).value(),
          archive::write_zip(entries, archive::Compression::Store).value(),
          archive::write_zip({{"only.txt", text_of(10, 1)}}).value()};
}

Error read(const Bytes& file) {
  const auto entries = archive::read_zip(file, kLimits);
  if (!entries) return entries.error();
  size_t total_bytes = 0;
  for (const auto& [name, contents] : *entries) {
    const std::filesystem::path path(name);
    CHECK(!name.empty() && path.is_relative());
    CHECK(std::ranges::find(path, "..") == path.end());
    total_bytes += contents.size();
  }
  CHECK(entries->size() <= kLimits.entries && total_bytes <= kLimits.total_bytes);
  return {};
}

}  // namespace
}  // namespace faceforge

int main(int argc, char** argv) {
  return faceforge::fuzz::fuzz_readers(
      {{.name = "zip",
        .originals = faceforge::originals(),
        .documented = {"not_a_zip", "zip_damaged", "zip_too_many_entries", "zip_too_large",
                       "zip_ratio_too_high", "zip_unsafe_name", "zip_duplicate_name", "zip_symlink",
                       "zip_encrypted", "zip_compression_unknown"},
        .read = faceforge::read}},
      argc, argv);
}
