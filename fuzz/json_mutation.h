#pragma once

#include <cstdint>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace faceforge::fuzz {

/// Damages what a JSON document says in one to three places, in a text that is still JSON.
class JsonMutator {
 public:
  explicit JsonMutator(std::mt19937_64& random) : random_(random) {}

  std::string operator()(std::string_view text) {
    auto document = json::parse(text);
    if (!document) return std::string(text);
    for (size_t changes = 1 + below(3); changes > 0; --changes) {
      std::vector<json::value*> values;
      collect(*document, values);
      change(*values[below(values.size())], *values[below(values.size())]);
    }
    return json::to_text(*document);
  }

 private:
  size_t below(size_t limit) {
    return limit == 0 ? 0 : std::uniform_int_distribution<size_t>(0, limit - 1)(random_);
  }

  static void collect(json::value& from, std::vector<json::value*>& values) {
    values.push_back(&from);
    if (auto* object = from.if_object()) {
      for (auto& field : *object) collect(field.value(), values);
    }
    if (auto* array = from.if_array()) {
      for (json::value& element : *array) collect(element, values);
    }
  }

  json::value odd_value() {
    switch (below(4)) {
      case 0: {
        constexpr int64_t kNumbers[] = {0,    1,     -1,      2,         7,         255,
                                        4096, 65536, 1 << 24, INT32_MAX, INT64_MAX, INT64_MIN};
        return kNumbers[below(std::size(kNumbers))];
      }
      case 1: {
        constexpr double kNumbers[] = {-0.0, 0.5, -0.5, 1e-300, 1e300, 1e-7, 3.5e38, -1e9};
        return kNumbers[below(std::size(kNumbers))];
      }
      case 2: {
        constexpr std::string_view kTexts[] = {"",       "..",     "../a.onnx", "/etc/passwd",
                                               "a/b",    "a\\b",   "nul\x01",   "\xF0\x9F\x98\x80",
                                               "sha256", "cosine", "l2"};
        return json::value(kTexts[below(std::size(kTexts))]);
      }
      default:
        return below(2) == 0 ? json::value(nullptr) : json::value(below(2) == 0);
    }
  }

  void change(json::value& place, const json::value& other) {
    const json::value copy = other;  // it may hold `place`, or stand in it
    auto* const object = place.if_object();
    auto* const array = place.if_array();
    switch (below(5)) {
      case 0:
        if (object != nullptr && !object->empty()) {
          const std::string name(
              std::next(object->begin(), static_cast<std::ptrdiff_t>(below(object->size())))
                  ->key());
          object->erase(name);
        } else if (array != nullptr && !array->empty()) {
          array->erase(array->begin() + static_cast<std::ptrdiff_t>(below(array->size())));
        } else {
          place = odd_value();
        }
        return;
      case 1:
        if (object != nullptr) {
          (*object)["new"] = copy;
        } else if (array != nullptr) {
          array->push_back(array->empty() ? copy : json::value((*array)[below(array->size())]));
        } else {
          place = odd_value();
        }
        return;
      case 2:
        place = copy;
        return;
      default:
        place = odd_value();
    }
  }

  std::mt19937_64& random_;
};

}  // namespace faceforge::fuzz
