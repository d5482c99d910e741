#include "crops/trained_people.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "base/hmac.h"
#include "base/unicode.h"

namespace faceforge::crops {
namespace {

constexpr size_t kHexDigits = 2 * std::tuple_size_v<PersonHash>;

std::string as_meant(std::string_view name) {
  // A folder's name need not be UTF-8; then its bytes are the name.
  std::string meant = fold_case(name).value_or(std::string(name));
  std::ranges::replace(meant, '_', ' ');
  return meant;
}

std::optional<std::array<std::byte, 16>> from_hex(std::string_view digits) {
  if (digits.size() != kHexDigits) return std::nullopt;
  std::array<std::byte, 16> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) {
    uint8_t value = 0;
    const char* begin = digits.data() + 2 * i;
    const auto [end, error] = std::from_chars(begin, begin + 2, value, 16);
    if (error != std::errc() || end != begin + 2) return std::nullopt;
    bytes[i] = std::byte{value};
  }
  return bytes;
}

}  // namespace

PersonHash person_hash(const PersonSalt& salt, std::string_view name) {
  const std::string meant = as_meant(name);
  const Sha256 whole = hmac_sha256(salt, std::as_bytes(std::span(meant)));
  PersonHash hash{};
  std::copy_n(whole.begin(), hash.size(), hash.begin());
  return hash;
}

TrainedPeople::TrainedPeople(const PersonSalt& salt, std::span<const std::string> names)
    : TrainedPeople(salt, [&] {
        std::vector<PersonHash> hashes;
        for (const std::string& name : names) hashes.push_back(person_hash(salt, name));
        return hashes;
      }()) {}

TrainedPeople::TrainedPeople(const PersonSalt& salt, std::vector<PersonHash> hashes)
    : salt_(salt), hashes_(std::move(hashes)) {
  std::ranges::sort(hashes_);
  const auto again = std::ranges::unique(hashes_);
  hashes_.erase(again.begin(), again.end());
}

bool TrainedPeople::contains(std::string_view name) const {
  return std::ranges::binary_search(hashes_, person_hash(salt_, name));
}

std::string to_hash_lines(const TrainedPeople& people) {
  std::string text;
  for (const PersonHash& hash : people.hashes()) text += to_hex(hash) + "\n";
  return text;
}

Result<TrainedPeople> parse_hash_lines(const PersonSalt& salt, std::string_view text) {
  constexpr size_t kLineBytes = kHexDigits + 1;
  if (text.size() / kLineBytes > kMaxTrainedPeople) {
    return fail(ErrorCode::TooLarge, "too_many_trained_people", "{} people; the limit is {}",
                text.size() / kLineBytes, kMaxTrainedPeople);
  }
  std::vector<PersonHash> hashes;
  for (size_t begin = 0; begin < text.size(); begin += kLineBytes) {
    const auto hash = from_hex(text.substr(begin, kHexDigits));
    const bool ends_right = begin + kHexDigits < text.size() && text[begin + kHexDigits] == '\n';
    if (!hash || !ends_right || (!hashes.empty() && *hash <= hashes.back())) {
      return fail(ErrorCode::Corrupt, "trained_people_malformed",
                  "line {}: not a hash of {} digits, or not behind the one before it",
                  begin / kLineBytes + 1, kHexDigits);
    }
    hashes.push_back(*hash);
  }
  return TrainedPeople(salt, std::move(hashes));
}

Result<PersonSalt> parse_person_salt(std::string_view text) {
  const auto salt = from_hex(text);
  if (salt) return *salt;
  return fail(ErrorCode::InvalidInput, "person_salt_malformed", "must be {} hexadecimal digits",
              kHexDigits);
}

}  // namespace faceforge::crops
