#pragma once

#include <vector>

#include "face/embedding.h"
#include "face/quality.h"

namespace faceforge::recognition::internal {

/// How much a look at a face counts in the mean of many, in (0, 1]: less where it is small, blurred
/// or turned away.
[[nodiscard]] float weight_of(const face::Quality& quality);

/// Whether a look shows the face that is remembered.
enum class Fit {
  Same,      ///< and is part of the mean now
  Doubtful,  ///< it shows another face, or this one badly: the next looks will tell
  Another,   ///< two looks agree on another face, which is the one remembered from now on
};

/// A face as all looks at it together show it: the weighted mean of their embeddings, in which new
/// looks slowly take the place of old ones.
class FaceMemory {
 public:
  /// Adds a look.
  ///
  /// in: `embedding` of the same model as the others (a CHECK); `weight` above 0; two looks that
  /// are
  ///     at least `same_face_similarity` similar show one face
  [[nodiscard]] Fit add(const face::Embedding& embedding, float weight, float same_face_similarity);

  /// What is searched for: the mean, brought back to unit length with `Metric::Cosine`. Only after
  /// a look was added (a CHECK).
  [[nodiscard]] face::Embedding mean() const;

  /// The mean similarity of the looks to something that is `similarity_to_mean` similar to `mean`.
  /// A mean lies nearer to everybody than the looks that it stands for, and thresholds are
  /// calibrated for single looks: see gallery::TemplateSum::similarity, the same for the other
  /// side.
  [[nodiscard]] float similarity_of_looks(float similarity_to_mean) const;

  /// Of the looks that are remembered, as a sum of weights.
  [[nodiscard]] float weight() const { return looks_.weight; }

 private:
  struct Looks {
    face::Embedding sum{};  ///< of weight * embedding
    float square_sum = 0;   ///< of weight * |embedding|^2
    float weight = 0;
    int count = 0;

    void add(const face::Embedding& embedding, float weight);
    [[nodiscard]] std::vector<float> mean() const;
  };

  [[nodiscard]] static float similarity(const Looks& looks, const face::Embedding& embedding);

  Looks looks_;
  Looks others_;  ///< looks that show another face, if they agree
};

}  // namespace faceforge::recognition::internal
