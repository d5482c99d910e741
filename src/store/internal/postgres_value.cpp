#include "store/internal/postgres_value.h"

#include <bit>
#include <cstring>

namespace faceforge::store::internal {
namespace {

// The types' numbers are fixed (src/include/catalog/pg_type.dat) but in no installed client header.
constexpr Oid kBool = 16;
constexpr Oid kBytea = 17;
constexpr Oid kName = 19;
constexpr Oid kInt8 = 20;
constexpr Oid kInt2 = 21;
constexpr Oid kInt4 = 23;
constexpr Oid kText = 25;
constexpr Oid kFloat4 = 700;
constexpr Oid kFloat8 = 701;
constexpr Oid kVarchar = 1043;
constexpr Oid kUnspecified = 0;

constexpr int kBinary = 1;

// Numbers travel with the most significant byte first.
uint64_t from_network(std::span<const std::byte> bytes) {
  uint64_t bits = 0;
  for (const std::byte byte : bytes) bits = bits << 8 | std::to_integer<uint64_t>(byte);
  return bits;
}

}  // namespace

PostgresArguments::PostgresArguments(std::span<const Parameter> parameters) {
  numbers_.reserve(parameters.size());  // so that pointers into it stay
  for (const Parameter& parameter : parameters) {
    std::visit(
        [this]<typename T>(const T& value) {
          if constexpr (std::is_same_v<T, std::monostate>) {
            add(kUnspecified, nullptr, 0);
          } else if constexpr (std::is_same_v<T, int64_t>) {
            add_number(kInt8, static_cast<uint64_t>(value));
          } else if constexpr (std::is_same_v<T, double>) {
            add_number(kFloat8, std::bit_cast<uint64_t>(value));
          } else {
            // A null pointer would be null, but an empty view is an empty value.
            const auto* start = value.empty() ? "" : reinterpret_cast<const char*>(value.data());
            add(std::is_same_v<T, std::string_view> ? kText : kBytea, start, value.size());
          }
        },
        parameter.view());
  }
}

void PostgresArguments::add_number(Oid type, uint64_t bits) {
  std::array<char, 8>& number = numbers_.emplace_back();
  for (size_t index = 0; index < number.size(); ++index) {
    number[index] = static_cast<char>(bits >> (8 * (number.size() - 1 - index)) & 0xff);
  }
  add(type, number.data(), number.size());
}

void PostgresArguments::add(Oid type, const char* start, size_t size_bytes) {
  types_.push_back(type);
  values_.push_back(start);
  lengths_.push_back(static_cast<int>(size_bytes));
  formats_.push_back(kBinary);
}

std::string PostgresArguments::signature() const {
  std::string signature;
  for (const Oid type : types_) signature += fmt::format("{},", type);
  return signature;
}

Result<Value> postgres_cell(const PGresult* result, int row, int column) {
  if (PQgetisnull(result, row, column) != 0) return std::monostate{};
  const auto* start = reinterpret_cast<const std::byte*>(PQgetvalue(result, row, column));
  const std::span bytes(start, static_cast<size_t>(PQgetlength(result, row, column)));
  switch (const Oid type = PQftype(result, column); type) {
    case kBool:
    case kInt8:
      return static_cast<int64_t>(from_network(bytes));
    case kInt4:
      return int64_t{static_cast<int32_t>(from_network(bytes))};
    case kInt2:
      return int64_t{static_cast<int16_t>(from_network(bytes))};
    case kFloat8:
      return std::bit_cast<double>(from_network(bytes));
    case kFloat4:
      return double{std::bit_cast<float>(static_cast<uint32_t>(from_network(bytes)))};
    case kText:
    case kVarchar:
    case kName:
      return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    case kBytea:
      return Blob(bytes.begin(), bytes.end());
    default:
      return fail(
          ErrorCode::Internal, "database_error",
          "column `{}` has PostgreSQL's type {}: cast it to bigint, double precision or text",
          PQfname(result, column), type);
  }
}

}  // namespace faceforge::store::internal
