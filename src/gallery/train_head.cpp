#include "gallery/train_head.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <random>

#include "base/check.h"
#include "gallery/internal/products.h"
#include "gallery/internal/shuffle.h"

namespace faceforge::gallery {
namespace {

using internal::row_of;

/// Of a batch's people: who is drawn, and those most like them.
constexpr size_t kDrawnWithLookAlikes = 4;

FloatTable identity(size_t length) {
  FloatTable matrix{length, length, std::vector<float>(length * length)};
  for (size_t i = 0; i < length; ++i) row_of(matrix, i)[i] = 1;
  return matrix;
}

double squared_norm(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += double{value} * double{value};
  return sum;
}

/// Photos in a head's space, and what is needed to go back from there.
struct Projected {
  FloatTable rows{};              ///< of unit length with `Metric::Cosine`
  std::vector<double> lengths{};  ///< before that
  FloatTable similarities{};
};

Projected project_photos(const FloatTable& matrix, const FloatTable& embeddings,
                         face::Metric metric) {
  Projected photos{.rows = internal::rows_by_rows(embeddings, matrix)};
  for (size_t photo = 0; photo < photos.rows.row_count; ++photo) {
    const auto row = row_of(photos.rows, photo);
    const double length = std::sqrt(squared_norm(row));
    photos.lengths.push_back(length);
    if (metric == face::Metric::L2 || length == 0) continue;
    for (float& value : row) value = static_cast<float>(value / length);
  }
  photos.similarities = internal::rows_by_rows(photos.rows, photos.rows);
  if (metric == face::Metric::Cosine) return photos;
  // 1 - |a - b|^2 / 2, from the products.
  for (size_t a = 0; a < photos.rows.row_count; ++a) {
    for (size_t b = 0; b < photos.rows.row_count; ++b) {
      const double squares =
          photos.lengths[a] * photos.lengths[a] + photos.lengths[b] * photos.lengths[b];
      float& similarity = row_of(photos.similarities, a)[b];
      similarity = static_cast<float>(1 + double{similarity} - squares / 2);
    }
  }
  return photos;
}

/// What the loss does with the similarities: its value, and how often each of them pulls (-1, a
/// positive) or pushes (+1, a negative) over all active triplets.
struct TripletCounts {
  double sum = 0;
  int64_t active_count = 0;
  FloatTable pushes{};
};

TripletCounts count_triplets(const FloatTable& similarities, std::span<const size_t> people,
                             double margin) {
  const size_t count = people.size();
  TripletCounts counts{.pushes = {count, count, std::vector<float>(count * count)}};
  for (size_t anchor = 0; anchor < count; ++anchor) {
    const auto similarity = row_of(similarities, anchor);
    const auto push = row_of(counts.pushes, anchor);
    for (size_t positive = 0; positive < count; ++positive) {
      if (positive == anchor || people[positive] != people[anchor]) continue;
      for (size_t negative = 0; negative < count; ++negative) {
        if (people[negative] == people[anchor]) continue;
        const double hinge = margin + double{similarity[negative]} - double{similarity[positive]};
        if (hinge <= 0) continue;
        counts.sum += hinge;
        ++counts.active_count;
        push[negative] += 1;
        push[positive] -= 1;
      }
    }
  }
  return counts;
}

/// The loss by the projected photos: dS_ij = z_j . dz_i + z_i . dz_j with `Metric::Cosine`, and
/// (z_j - z_i) . dz_i + (z_i - z_j) . dz_j with `Metric::L2`; then through the normalization.
FloatTable gradient_by_rows(const Projected& photos, const TripletCounts& counts,
                            face::Metric metric) {
  const size_t count = photos.rows.row_count;
  FloatTable both = counts.pushes;  // C + C^T, over the count
  for (size_t a = 0; a < count; ++a) {
    for (size_t b = 0; b < count; ++b) {
      row_of(both, a)[b] = (row_of(counts.pushes, a)[b] + row_of(counts.pushes, b)[a]) /
                           static_cast<float>(counts.active_count);
    }
  }
  FloatTable gradient = internal::columns_by_columns(both, photos.rows);  // `both` is symmetric
  for (size_t photo = 0; photo < count; ++photo) {
    const auto row = row_of(photos.rows, photo);
    const auto slope = row_of(gradient, photo);
    if (metric == face::Metric::L2) {
      const auto pushes = row_of(both, photo);
      const float pushed = std::accumulate(pushes.begin(), pushes.end(), 0.0F);
      for (size_t i = 0; i < row.size(); ++i) slope[i] -= pushed * row[i];
      continue;
    }
    const double along = std::inner_product(row.begin(), row.end(), slope.begin(), 0.0);
    const double length = photos.lengths[photo];
    for (size_t i = 0; i < row.size(); ++i) {
      slope[i] = length > 0 ? static_cast<float>((slope[i] - along * row[i]) / length) : 0;
    }
  }
  return gradient;
}

// --- batches ---

/// The photos by person, and how people are like each other.
class Batches {
 public:
  Batches(const LabelledEmbeddings& photos, const HeadSettings& settings)
      : photos_(photos), settings_(settings), random_(settings.seed) {
    std::map<size_t, std::vector<size_t>> rows;
    for (size_t row = 0; row < photos.people.size(); ++row) rows[photos.people[row]].push_back(row);
    for (auto& [person, of_person] : rows) rows_.push_back(std::move(of_person));
    FloatTable means{rows_.size(), photos.embeddings.column_count, {}};
    means.values.resize(means.row_count * means.column_count);
    for (size_t person = 0; person < rows_.size(); ++person) {
      for (const size_t row : rows_[person]) {
        const auto values = row_of(photos.embeddings, row);
        for (size_t i = 0; i < values.size(); ++i) {
          row_of(means, person)[i] += values[i] / static_cast<float>(rows_[person].size());
        }
      }
    }
    find_look_alikes(means);
  }

  LabelledEmbeddings next() {
    LabelledEmbeddings batch;
    batch.embeddings.column_count = photos_.embeddings.column_count;
    for (const size_t person : draw_people()) {
      std::vector<size_t> rows = rows_[person];
      internal::shuffle(rows, random_);
      rows.resize(std::min(rows.size(), settings_.photos_per_person));
      for (const size_t row : rows) {
        const auto values = row_of(photos_.embeddings, row);
        batch.embeddings.values.insert(batch.embeddings.values.end(), values.begin(), values.end());
        batch.people.push_back(person);
      }
    }
    batch.embeddings.row_count = batch.people.size();
    return batch;
  }

 private:
  /// The people nearest to each, by the distance of their means.
  void find_look_alikes(const FloatTable& means) {
    const FloatTable products = internal::rows_by_rows(means, means);
    for (size_t person = 0; person < means.row_count; ++person) {
      const auto closeness = [&](size_t other) {
        return row_of(products, person)[other] - row_of(products, other)[other] / 2;
      };
      std::vector<size_t> others;
      for (size_t other = 0; other < means.row_count; ++other) {
        if (other != person) others.push_back(other);
      }
      const size_t kept = std::min(others.size(), kDrawnWithLookAlikes - 1);
      std::ranges::partial_sort(others, others.begin() + static_cast<ptrdiff_t>(kept),
                                [&](size_t a, size_t b) { return closeness(a) > closeness(b); });
      others.resize(kept);
      look_alikes_.push_back(std::move(others));
    }
  }

  std::vector<size_t> draw_people() {
    std::vector<size_t> order(rows_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    if (order.size() <= settings_.people_per_batch) return order;
    internal::shuffle(order, random_);
    std::vector<size_t> drawn;
    const auto draw = [&](size_t person) {
      if (drawn.size() >= settings_.people_per_batch) return;
      if (std::ranges::find(drawn, person) == drawn.end()) drawn.push_back(person);
    };
    for (const size_t person : order) {
      draw(person);
      for (const size_t other : look_alikes_[person]) draw(other);
    }
    return drawn;
  }

  const LabelledEmbeddings& photos_;
  const HeadSettings& settings_;
  std::mt19937_64 random_;
  std::vector<std::vector<size_t>> rows_;  ///< of each person
  std::vector<std::vector<size_t>> look_alikes_;
};

/// How much more similar two photos of one person are than two of two people, on average.
double mean_separation(const LabelledEmbeddings& photos, face::Metric metric) {
  const size_t length = photos.embeddings.column_count;
  const FloatTable similarities =
      project_photos(identity(length), photos.embeddings, metric).similarities;
  double genuine = 0;
  double impostor = 0;
  int64_t genuine_count = 0;
  int64_t impostor_count = 0;
  for (size_t a = 0; a < photos.people.size(); ++a) {
    for (size_t b = 0; b < a; ++b) {
      const bool same = photos.people[a] == photos.people[b];
      (same ? genuine : impostor) += double{row_of(similarities, a)[b]};
      ++(same ? genuine_count : impostor_count);
    }
  }
  CHECK(genuine_count > 0 && impostor_count > 0);
  return std::max(1e-6, genuine / static_cast<double>(genuine_count) -
                            impostor / static_cast<double>(impostor_count));
}

}  // namespace

TripletLoss triplet_loss(const FloatTable& matrix, const LabelledEmbeddings& photos,
                         face::Metric metric, double margin) {
  CHECK(matrix.row_count == matrix.column_count);
  CHECK(matrix.column_count == photos.embeddings.column_count);
  CHECK(photos.people.size() == photos.embeddings.row_count);
  const Projected projected = project_photos(matrix, photos.embeddings, metric);
  const TripletCounts counts = count_triplets(projected.similarities, photos.people, margin);
  TripletLoss loss{.active_count = counts.active_count};
  if (counts.active_count == 0) {
    loss.gradient = {matrix.row_count, matrix.column_count,
                     std::vector<float>(matrix.values.size())};
    return loss;
  }
  loss.loss = counts.sum / static_cast<double>(counts.active_count);
  loss.gradient =
      internal::columns_by_columns(gradient_by_rows(projected, counts, metric), photos.embeddings);
  return loss;
}

Result<FloatTable> train_projection(const LabelledEmbeddings& photos, face::Metric metric,
                                    const HeadSettings& settings, const std::stop_token& stop) {
  if (std::ranges::adjacent_find(photos.people, std::not_equal_to{}) == photos.people.end()) {
    return identity(photos.embeddings.column_count);
  }
  Batches batches(photos, settings);
  const double margin = settings.margin_share * mean_separation(batches.next(), metric);
  FloatTable matrix = identity(photos.embeddings.column_count);
  const auto steps = static_cast<double>(settings.step_count);
  for (size_t step = 0; step < settings.step_count; ++step) {
    if (stop.stop_requested()) {
      return fail(ErrorCode::Cancelled, "training_cancelled", "the training was cancelled");
    }
    const TripletLoss slope = triplet_loss(matrix, batches.next(), metric, margin);
    const double norm = std::sqrt(squared_norm(slope.gradient.values));
    if (norm == 0) continue;
    // Falls from 2 to 0 times the mean.
    const double reach =
        settings.path_length / steps * 2 * (1 - (static_cast<double>(step) + 0.5) / steps);
    const auto factor = static_cast<float>(reach / norm);
    for (size_t i = 0; i < matrix.values.size(); ++i) {
      matrix.values[i] -= factor * slope.gradient.values[i];
    }
  }
  return matrix;
}

}  // namespace faceforge::gallery
