#include "gallery/train.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "base/check.h"

namespace faceforge::gallery {
namespace {

static_assert(std::endian::native == std::endian::little, "stored sums are little-endian");

constexpr double kUnit = 0x1p-36;        ///< of a sum's component
constexpr double kSquareUnit = 0x1p-22;  ///< of the sum of squares

/// Similarities closer than this are equal: what float components of unit vectors may differ by.
constexpr double kTie = 1e-6;

double squared_length(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += double{value} * double{value};
  return sum;
}

using Embeddings = std::span<const std::span<const float>>;

/// The photo with the highest median similarity to the others; of equals the first.
///
/// in: at least two embeddings
size_t most_typical(Embeddings embeddings, face::Metric metric) {
  size_t best = 0;
  double best_median = -std::numeric_limits<double>::infinity();
  for (size_t photo = 0; photo < embeddings.size(); ++photo) {
    std::vector<float> similarities;
    for (size_t other = 0; other < embeddings.size(); ++other) {
      if (other == photo) continue;
      similarities.push_back(face::similarity(embeddings[photo], embeddings[other], metric));
    }
    // The upper median: with two of five wrong, the three right ones see 1, 1, 0, 0.
    const auto median =
        similarities.begin() + static_cast<ptrdiff_t>((similarities.size() - 1) / 2);
    std::ranges::nth_element(similarities, median, std::greater{});
    if (double{*median} > best_median + kTie) {
      best = photo;
      best_median = double{*median};
    }
  }
  return best;
}

/// Similarity of a photo to the mean of those accepted.
double similarity_to_mean(std::span<const float> embedding, std::span<const double> sum,
                          double count, face::Metric metric) {
  double dot = 0;
  double sum_squares = 0;
  double distance_squares = 0;
  for (size_t column = 0; column < sum.size(); ++column) {
    const double component = double{embedding[column]};
    dot += sum[column] * component;
    sum_squares += sum[column] * sum[column];
    const double difference = sum[column] / count - component;
    distance_squares += difference * difference;
  }
  if (metric == face::Metric::L2) return 1 - distance_squares / 2;
  return sum_squares > 0 ? dot / std::sqrt(sum_squares) : -1;
}

}  // namespace

Result<void> check_embedding(const face::Embedding& embedding) {
  const bool within = std::ranges::all_of(
      embedding.values, [](float value) { return std::abs(value) <= TemplateSum::kMaxComponent; });
  if (embedding.values.empty() || !within) {
    return fail(ErrorCode::Internal, "embedding_out_of_range",
                "the model pack gave an embedding of {} values, not all within {}",
                embedding.values.size(), TemplateSum::kMaxComponent);
  }
  return {};
}

TemplateSum::TemplateSum(size_t embedding_length) : sums_(embedding_length) {}

void TemplateSum::add(std::span<const float> embedding) {
  CHECK(count_ < kMaxCount);
  accumulate(embedding, 1);
}

void TemplateSum::remove(std::span<const float> embedding) {
  CHECK(count_ > 0);
  accumulate(embedding, -1);
}

void TemplateSum::accumulate(std::span<const float> embedding, int64_t sign) {
  CHECK(embedding.size() == sums_.size());
  for (size_t column = 0; column < sums_.size(); ++column) {
    CHECK(std::abs(embedding[column]) <= kMaxComponent);  // false for what is not a number too
    sums_[column] += sign * std::llround(double{embedding[column]} / kUnit);
  }
  square_sum_ += sign * std::llround(squared_length(embedding) / kSquareUnit);
  count_ += sign;
}

std::vector<float> TemplateSum::mean(face::Metric metric) const {
  double squares = 0;
  for (const int64_t sum : sums_) squares += static_cast<double>(sum) * static_cast<double>(sum);
  const double divisor =
      metric == face::Metric::Cosine ? std::sqrt(squares) : static_cast<double>(count_) / kUnit;
  if (count_ == 0 || divisor == 0) return {};
  std::vector<float> mean(sums_.size());
  for (size_t column = 0; column < sums_.size(); ++column) {
    mean[column] = static_cast<float>(static_cast<double>(sums_[column]) / divisor);
  }
  return mean;
}

float TemplateSum::spread(face::Metric metric) const {
  if (count_ == 0) return 0;
  const double count = static_cast<double>(count_);
  double squares = 0;
  for (const int64_t sum : sums_) {
    const double component = static_cast<double>(sum) * kUnit / count;
    squares += component * component;
  }
  const double spread =
      metric == face::Metric::Cosine
          ? 1 - std::sqrt(squares)
          : (static_cast<double>(square_sum_) * kSquareUnit / count - squares) / 2;
  return static_cast<float>(std::max(0.0, spread));
}

std::optional<float> TemplateSum::similarity(std::span<const float> embedding,
                                             face::Metric metric) const {
  const std::vector<float> mean = this->mean(metric);
  if (mean.empty()) return std::nullopt;
  const float to_mean = face::similarity(mean, embedding, metric);
  if (metric == face::Metric::Cosine) return to_mean * (1 - spread(metric));
  return std::max(-1.0F, to_mean - spread(metric));
}

std::vector<std::byte> TemplateSum::to_bytes() const {
  std::vector<std::byte> bytes((2 + sums_.size()) * sizeof(int64_t));
  std::memcpy(bytes.data(), &count_, sizeof(int64_t));
  std::memcpy(bytes.data() + sizeof(int64_t), &square_sum_, sizeof(int64_t));
  std::memcpy(bytes.data() + 2 * sizeof(int64_t), sums_.data(), sums_.size() * sizeof(int64_t));
  return bytes;
}

Result<TemplateSum> TemplateSum::from_bytes(std::span<const std::byte> bytes,
                                            size_t embedding_length) {
  const size_t wanted_bytes = (2 + embedding_length) * sizeof(int64_t);
  if (bytes.size() != wanted_bytes) {
    return fail(ErrorCode::Corrupt, "template_damaged", "a stored template has {} bytes, not {}",
                bytes.size(), wanted_bytes);
  }
  TemplateSum sum(embedding_length);
  std::memcpy(&sum.count_, bytes.data(), sizeof(int64_t));
  std::memcpy(&sum.square_sum_, bytes.data() + sizeof(int64_t), sizeof(int64_t));
  std::memcpy(sum.sums_.data(), bytes.data() + 2 * sizeof(int64_t),
              embedding_length * sizeof(int64_t));
  if (sum.count_ < 1 || sum.count_ > kMaxCount) {
    return fail(ErrorCode::Corrupt, "template_damaged", "a stored template counts {} photos",
                sum.count_);
  }
  return sum;
}

std::vector<bool> disagreeing(Embeddings embeddings, face::Metric metric,
                              float agreement_similarity) {
  std::vector<bool> disagrees(embeddings.size(), true);
  if (embeddings.empty()) return disagrees;
  std::vector<double> sum(embeddings.front().size());
  double accepted = 0;
  const auto accept = [&](size_t photo) {
    disagrees[photo] = false;
    accepted += 1;
    for (size_t column = 0; column < sum.size(); ++column) {
      sum[column] += double{embeddings[photo][column]};
    }
  };
  accept(embeddings.size() == 1 ? 0 : most_typical(embeddings, metric));
  while (true) {
    std::optional<size_t> nearest;
    double nearest_similarity = double{agreement_similarity};
    for (size_t photo = 0; photo < embeddings.size(); ++photo) {
      if (!disagrees[photo]) continue;
      const double similarity = similarity_to_mean(embeddings[photo], sum, accepted, metric);
      if (similarity >= nearest_similarity && (!nearest || similarity > nearest_similarity)) {
        nearest = photo;
        nearest_similarity = similarity;
      }
    }
    if (!nearest) return disagrees;
    accept(*nearest);
  }
}

}  // namespace faceforge::gallery
