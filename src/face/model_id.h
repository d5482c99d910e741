#pragma once

#include <compare>
#include <string>
#include <utility>

namespace faceforge::face {

/// Names an embedding space: the sha256, in hex, of the weights and the preprocessing. Embeddings
/// of two ModelIds are never compared.
class ModelId {
 public:
  ModelId() = default;
  explicit ModelId(std::string hex) : hex_(std::move(hex)) {}
  [[nodiscard]] const std::string& hex() const { return hex_; }
  [[nodiscard]] bool empty() const { return hex_.empty(); }
  auto operator<=>(const ModelId&) const = default;

 private:
  std::string hex_;
};

}  // namespace faceforge::face
