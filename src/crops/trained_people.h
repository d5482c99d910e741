#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// Whom a network was trained on, without their names: so that nobody measures it on people whom it
// has seen. docs/training.md says what this protects and what it does not.
namespace faceforge::crops {

/// Makes the hashes of two runs incomparable. Not secret: it lies beside the hashes.
using PersonSalt = std::array<std::byte, 16>;

/// The first half of HMAC-SHA-256 over the name, keyed with the salt. The name is taken as people
/// mean it: without differences of case or of Unicode's forms, `_` as a space.
using PersonHash = std::array<std::byte, 16>;

[[nodiscard]] PersonHash person_hash(const PersonSalt& salt, std::string_view name);

inline constexpr size_t kMaxTrainedPeople = 2'000'000;

/// People of whom nothing but keyed hashes of their names are kept.
class TrainedPeople {
 public:
  TrainedPeople() = default;
  TrainedPeople(const PersonSalt& salt, std::span<const std::string> names);

  /// in: hashes in any order
  TrainedPeople(const PersonSalt& salt, std::vector<PersonHash> hashes);

  [[nodiscard]] bool contains(std::string_view name) const;

  [[nodiscard]] const PersonSalt& salt() const { return salt_; }
  [[nodiscard]] const std::vector<PersonHash>& hashes() const { return hashes_; }
  [[nodiscard]] size_t count() const { return hashes_.size(); }

  bool operator==(const TrainedPeople&) const = default;

 private:
  PersonSalt salt_{};
  std::vector<PersonHash> hashes_;  ///< rising, each once
};

/// A hash a line, 32 lower-case hexadecimal digits, rising: the file that a pack carries.
[[nodiscard]] std::string to_hash_lines(const TrainedPeople& people);

/// Reads what to_hash_lines wrote.
///
/// fails: corrupt/trained_people_malformed naming the line; too_large/too_many_trained_people
[[nodiscard]] Result<TrainedPeople> parse_hash_lines(const PersonSalt& salt, std::string_view text);

/// Reads 32 hexadecimal digits.
///
/// fails: invalid_input/person_salt_malformed
[[nodiscard]] Result<PersonSalt> parse_person_salt(std::string_view text);

}  // namespace faceforge::crops
