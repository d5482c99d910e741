#include "dataset/natural_order.h"

#include <algorithm>
#include <cstddef>

namespace faceforge::dataset {
namespace {

bool is_digit(char character) {
  return character >= '0' && character <= '9';
}

/// Takes the digits off the beginning of a text and gives them without leading zeros.
std::string_view take_number(std::string_view& text) {
  const auto end = std::ranges::find_if_not(text, is_digit);
  std::string_view digits(text.begin(), end);
  text.remove_prefix(digits.size());
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  return digits;
}

unsigned char without_case(char character) {
  const bool is_capital = character >= 'A' && character <= 'Z';
  return static_cast<unsigned char>(is_capital ? character + 'a' - 'A' : character);
}

/// Below, at or above 0 as `a` comes before, with or after `b`.
int compare(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    if (is_digit(a.front()) && is_digit(b.front())) {
      const std::string_view first = take_number(a);
      const std::string_view second = take_number(b);
      if (first.size() != second.size()) return first.size() < second.size() ? -1 : 1;
      if (const int order = first.compare(second); order != 0) return order;
      continue;
    }
    const int order = without_case(a.front()) - without_case(b.front());
    if (order != 0) return order;
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  return static_cast<int>(!a.empty()) - static_cast<int>(!b.empty());
}

}  // namespace

bool natural_less(std::string_view a, std::string_view b) {
  const int order = compare(a, b);
  return order != 0 ? order < 0 : a < b;
}

}  // namespace faceforge::dataset
