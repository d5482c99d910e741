#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "search/index.h"

namespace faceforge::search {

/// Rows from which a search by links is worth its risk of missing a row, where the caller may miss
/// one. An estimate: no benchmark stands behind it yet.
inline constexpr size_t kApproximateAbove = 250'000;

struct ApproximateOptions {
  size_t thread_limit = 0;  ///< threads that link rows or search side by side; 0: one a core
  size_t row_limit = Index::kMaxRows;
  /// Rows kept in view by a search: more find more, and take longer.
  size_t breadth = 128;
};

/// Walks along links between near rows, and compares in full what it found: a search reads some
/// thousand rows, however many there are. Can be saved and then mapped from its file.
///
/// cost: memory of 5 bytes a value and some 200 a row, only mapped when it comes from a file;
///       adding a row compares it with some thousand others (about a millisecond)
class ApproximateIndex final : public Index {
 public:
  /// in: `embedding_length` from 1 to kMaxLength (a CHECK)
  ApproximateIndex(size_t embedding_length, face::Metric metric,
                   const ApproximateOptions& options = {});
  ~ApproximateIndex() override;

  /// Maps a saved index: what searches touch is read when they touch it. Rows that are removed
  /// are overwritten in the file at once; rows that are added stay in memory until `save`.
  ///
  /// fails: not_found/file_not_found; corrupt/search_file_damaged; unsupported/search_file_version;
  ///        as base's file_error for anything else
  /// cost:  reads the links once, to compare their checksum; not the rows
  [[nodiscard]] static Result<std::unique_ptr<ApproximateIndex>> open(
      const std::filesystem::path& file, const ApproximateOptions& options = {});

  /// Writes the whole index as `AtomicFile` does, and uses that file from then on.
  ///
  /// fails: as AtomicFile and `open`; the index is as it was then
  [[nodiscard]] Result<void> save(const std::filesystem::path& file);

  /// Changes how many rows a search keeps in view, while none runs.
  void set_breadth(size_t breadth);

  void reserve(size_t row_count) override;
  Result<uint32_t> add(std::span<const float> embedding) override;
  Result<void> remove(uint32_t row) override;

  /// Adds rows, one after the other in `embeddings`, linked on all threads; the numbers in order.
  ///
  /// fails: as `add`; none of them is there then
  [[nodiscard]] Result<std::vector<uint32_t>> add_batch(std::span<const float> embeddings);

  size_t row_count() const override;
  size_t embedding_length() const override;
  face::Metric metric() const override;
  std::span<const float> row(uint32_t row) const override;
  size_t memory_bytes() const override;
  Result<std::vector<Neighbour>> nearest(std::span<const float> query, size_t count) const override;
  Result<std::vector<std::vector<Neighbour>>> nearest_batch(std::span<const float> queries,
                                                            size_t count) const override;

 private:
  struct Parts;
  explicit ApproximateIndex(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace faceforge::search
