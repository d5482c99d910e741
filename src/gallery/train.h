#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "face/calibration.h"
#include "face/embedding.h"

namespace faceforge::gallery {

/// The sum of embeddings as whole numbers (2^-36 a unit), so that taking one out again leaves
/// exactly, bit by bit, what had been there without it; a sum of floats would not.
class TemplateSum {
 public:
  explicit TemplateSum(size_t embedding_length);

  /// Largest magnitude of one component, and most embeddings in one sum: neither can overflow.
  static constexpr float kMaxComponent = 16;
  static constexpr int64_t kMaxCount = 32'768;

  /// in: the sum's length, finite, within kMaxComponent; fewer than kMaxCount so far (CHECKs)
  void add(std::span<const float> embedding);

  /// Takes out what was added before.
  void remove(std::span<const float> embedding);

  [[nodiscard]] int64_t count() const { return count_; }
  [[nodiscard]] size_t embedding_length() const { return sums_.size(); }

  /// The template: the mean, brought back to unit length with `Metric::Cosine`. Empty when there is
  /// nothing to average or unit vectors cancel out.
  [[nodiscard]] std::vector<float> mean(face::Metric metric) const;

  /// How far the photos lie apart: the mean of 1 - similarity of a photo to the mean. 0 for copies
  /// of one photo. With `Metric::Cosine` this is the circular variance 1 - |sum| / count, with
  /// `Metric::L2` half the mean squared distance of the photos to their mean.
  /// source: Mardia and Jupp 2000, Directional Statistics, section 9.2
  [[nodiscard]] float spread(face::Metric metric) const;

  /// How similar a face is to the template: the mean similarity to the person's photos; nothing
  /// where `mean` is empty.
  ///
  /// With `Metric::Cosine` that is the cosine to the mean's direction times 1 - spread, the mean's
  /// length; with `Metric::L2` the similarity to the mean less the spread, because the squared
  /// distances to the photos average |face - mean|^2 + 2 spread. The calibration counts pairs of
  /// photos, and a mean alone lies nearer to everybody than the photos it stands for: without the
  /// spread strangers pass a threshold up to 3.5 times as often as promised
  /// (docs/decisions/0008-similarity-to-a-person.md).
  ///
  /// in: an embedding of the sum's length (a CHECK)
  [[nodiscard]] std::optional<float> similarity(std::span<const float> embedding,
                                                face::Metric metric) const;

  /// Stored form: little-endian 64-bit count, sum of squares, then one sum a component.
  [[nodiscard]] std::vector<std::byte> to_bytes() const;

  /// fails: corrupt/template_damaged when the length is not that of `embedding_length` sums
  [[nodiscard]] static Result<TemplateSum> from_bytes(std::span<const std::byte> bytes,
                                                      size_t embedding_length);

  bool operator==(const TemplateSum&) const = default;

 private:
  void accumulate(std::span<const float> embedding, int64_t sign);

  std::vector<int64_t> sums_;
  int64_t square_sum_ = 0;
  int64_t count_ = 0;
};

/// Refuses what a TemplateSum could not hold: weights of foreign packs may give anything.
///
/// fails: internal/embedding_out_of_range when it is empty, or a component is not finite or beyond
///        `TemplateSum::kMaxComponent`
[[nodiscard]] Result<void> check_embedding(const face::Embedding& embedding);

/// FMR at which a photo is told from its own person's others: rarer would miss mistakes, more
/// frequent would lose hard photos (a pose, old age) of the right person.
inline constexpr double kAgreementFalseMatchRate = 1e-3;

/// Finds the photos of one person that disagree with the rest.
///
/// The person is grown from the photo that has most in common with the others (the highest median
/// similarity to them; of equals the one added first): again and again the photo most similar to
/// the mean of those accepted so far joins them, as long as it is at least as similar as
/// `agreement_similarity`. Who is left disagrees. So a stranger is always held against a mean that
/// no other stranger has entered yet, and up to half of the photos may be wrong; judging each
/// photo by the mean of all others would let two wrong ones vouch for each other.
///
/// The spread is not taken off here, as `TemplateSum::similarity` does: wrong photos are rare, and
/// to lose right ones costs more. With it, 6 of 160 right photos of LFW disagreed instead of 1 (the
/// pack `faceapi`, at kAgreementFalseMatchRate).
///
/// in:    the embeddings of one person, in the order they were added
/// out:   for every photo, whether it disagrees; at least one does not
/// cost:  O(photos^2 * length)
[[nodiscard]] std::vector<bool> disagreeing(std::span<const std::span<const float>> embeddings,
                                            face::Metric metric, float agreement_similarity);

}  // namespace faceforge::gallery
