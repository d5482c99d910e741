#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/result.h"

namespace faceforge::packs {

/// A fault of a card: `invalid_input/card_invalid`, naming the field by its path.
[[nodiscard]] Unexpected card_fault(std::string_view field_path, std::string_view what);

/// The fields of one object of a card, read one by one. It remembers which were asked for, so that
/// `no_others` finds every field that nobody reads: a mistyped name would else be silently ignored.
///
/// Every reader fails with invalid_input/card_invalid, naming the field by its path
/// (`detector.input`).
class CardFields {
 public:
  /// in: `from` outlives the reader; `path` "" for the card itself
  CardFields(const json::object& from, std::string path);

  /// Tells whether the field is there and not null.
  [[nodiscard]] bool has(std::string_view name);

  /// A text of 1 to `limit_bytes` without control characters.
  [[nodiscard]] Result<std::string> text(std::string_view name, size_t limit_bytes);

  /// A text that may have line breaks too.
  [[nodiscard]] Result<std::string> lines(std::string_view name, size_t limit_bytes);

  /// A pack's id: lower-case letters, digits, `_`, `-` and `.`.
  [[nodiscard]] Result<std::string> id(std::string_view name);

  /// 64 hexadecimal digits, made lower-case.
  [[nodiscard]] Result<std::string> sha256(std::string_view name);

  /// A number within [low, high], both included.
  [[nodiscard]] Result<double> number(std::string_view name, double low, double high);
  [[nodiscard]] Result<int64_t> integer(std::string_view name, int64_t low, int64_t high);

  [[nodiscard]] Result<bool> boolean(std::string_view name);

  [[nodiscard]] Result<CardFields> object(std::string_view name);

  /// An array of `low` to `high` elements.
  [[nodiscard]] Result<const json::array*> array(std::string_view name, size_t low, size_t high);

  /// Fails when the object has a field that was never asked for.
  [[nodiscard]] Result<void> no_others() const;

  [[nodiscard]] std::string path_of(std::string_view name) const;
  [[nodiscard]] Unexpected fault(std::string_view name, std::string_view what) const;

  /// The JSON itself, for a reader that another module owns.
  [[nodiscard]] const json::object& raw() const { return *from_; }

 private:
  [[nodiscard]] Result<const json::value*> field(std::string_view name);
  [[nodiscard]] Result<std::string> clean_text(std::string_view name, size_t limit_bytes,
                                               std::string_view allowed_controls);

  const json::object* from_;
  std::string path_;
  std::set<std::string, std::less<>> asked_for_;
};

/// A number of an array element, within [low, high].
[[nodiscard]] Result<double> card_number(const json::value& from, std::string_view field_path,
                                         double low, double high);

/// An array element that is an object.
[[nodiscard]] Result<CardFields> card_object(const json::value& from, std::string field_path);

}  // namespace faceforge::packs
