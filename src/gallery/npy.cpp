#include "gallery/npy.h"

#include <bit>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>

#include "base/check.h"

namespace faceforge::gallery {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

constexpr std::string_view kMagic("\x93NUMPY\x01\x00", 8);
constexpr size_t kLengthBytes = 2;  ///< of the header's length, which follows the magic
constexpr size_t kAlignment = 64;   ///< of the values in the file

constexpr std::string_view kDescription = "{'descr': '<f4', 'fortran_order': False, 'shape': (";

/// Takes a decimal number from the front of `text`.
bool take_number(std::string_view& text, size_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

bool take(std::string_view& text, std::string_view wanted) {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(wanted.size());
  return true;
}

}  // namespace

std::string npy_header(size_t row_count, size_t column_count) {
  std::string header = fmt::format("{}{}, {}), }}", kDescription, row_count, column_count);
  const size_t unpadded = kMagic.size() + kLengthBytes + header.size() + 1;
  header.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  header += '\n';

  std::string start(kMagic);
  start += static_cast<char>(header.size() & 0xFF);
  start += static_cast<char>(header.size() >> 8);
  return start + header;
}

std::vector<std::byte> write_npy(const FloatTable& table) {
  CHECK(table.values.size() == table.row_count * table.column_count);
  const std::string start = npy_header(table.row_count, table.column_count);
  std::vector<std::byte> file(start.size() + table.values.size() * sizeof(float));
  std::memcpy(file.data(), start.data(), start.size());
  if (!table.values.empty()) {
    std::memcpy(file.data() + start.size(), table.values.data(),
                table.values.size() * sizeof(float));
  }
  return file;
}

Result<FloatTable> read_npy(std::span<const std::byte> file) {
  std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (!text.starts_with(kMagic.substr(0, 6)) || text.size() < kMagic.size() + kLengthBytes) {
    return fail(ErrorCode::InvalidInput, "not_npy", "this is not a file of numpy.save");
  }
  const bool known_version = take(text, kMagic);
  if (!known_version) {
    return fail(ErrorCode::Unsupported, "npy_layout", "only version 1.0 of the format is read");
  }
  const size_t header_bytes = static_cast<unsigned char>(text[0]) |
                              static_cast<size_t>(static_cast<unsigned char>(text[1])) << 8;
  text.remove_prefix(kLengthBytes);
  if (text.size() < header_bytes) {
    return fail(ErrorCode::Corrupt, "npy_damaged", "the file ends within its header");
  }
  std::string_view header = text.substr(0, header_bytes);
  const std::string_view values = text.substr(header_bytes);

  FloatTable table;
  const bool understood = take(header, kDescription) && take_number(header, table.row_count) &&
                          take(header, ", ") && take_number(header, table.column_count) &&
                          take(header, "), }") &&
                          header.find_first_not_of(" \n") == std::string_view::npos;
  if (!understood) {
    return fail(ErrorCode::Unsupported, "npy_layout",
                "only C-ordered float32 tables of two dimensions are read");
  }
  // Divided, because a product of foreign numbers may overflow.
  const size_t value_count = values.size() / sizeof(float);
  const bool fits =
      values.size() % sizeof(float) == 0 &&
      (table.column_count == 0 ? value_count == 0
                               : value_count % table.column_count == 0 &&
                                     value_count / table.column_count == table.row_count);
  if (!fits) {
    return fail(ErrorCode::Corrupt, "npy_damaged", "{} bytes do not hold {} x {} floats",
                values.size(), table.row_count, table.column_count);
  }
  table.values.resize(value_count);
  if (value_count > 0) std::memcpy(table.values.data(), values.data(), values.size());
  return table;
}

}  // namespace faceforge::gallery
