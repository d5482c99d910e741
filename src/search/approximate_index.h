#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "search/index.h"

namespace faceforge::search {

struct ApproximateOptions {
  static constexpr size_t kMaxLeaders = 250'000;

  /// Threads that link rows, the caller's among them; 0: one a core. A search runs on its caller's.
  size_t thread_limit = 0;
  size_t row_limit = Index::kMaxRows;  ///< at most kMaxRows
  /// Rows that a search keeps in view: more find more, and take longer. 0: 20, or 128 where fewer
  /// than one in 256 rows leads or no more may lead. Measured on synthetic embeddings alone.
  size_t breadth = 0;
  /// A row to which nothing with a larger cosine, from -1 to 1 (a CHECK), is found when it is added
  /// leads: searches set out from it. It should lie between the cosines of two people and of two
  /// photos of one; a larger one costs more leaders, with a smaller one fewer rows are found. 0.4
  /// suits synthetic embeddings, whose people have a cosine near 0 and photos of one near 0.6, and
  /// was not measured on those of a network. A saved index does not remember it.
  float leader_cosine = 0.4F;
  /// Leaders, at most kMaxLeaders (a CHECK). Where as many lead, rows to which nothing near was
  /// found are added without: a search comes to those only along links, and may miss many.
  size_t leader_limit = kMaxLeaders;
};

/// Walks along links between near rows and compares in full what it comes to: a search compares
/// its query's sketch, 32 bytes, with those of all leaders (about one row of each person, up to
/// 250 000), and then its codes with some hundred rows near it, and may miss one. Of few rows it
/// compares all. What it finds has the similarities that an exact search gives. The same calls in
/// the same order make the same index, on however many threads.
///
/// cost: memory of 5 bytes a value, 128 a row and 36 a leader, only mapped when it comes from a
///       file; adding a row compares its sketch with those of all leaders, and the row with some
///       thousand others; removing one reads all links and leaders
class ApproximateIndex final : public Index {
 public:
  /// in: `embedding_length` from 1 to kMaxLength (a CHECK)
  ApproximateIndex(size_t embedding_length, face::Metric metric,
                   const ApproximateOptions& options = {});
  ~ApproximateIndex() override;

  /// Maps a saved index; what a search touches is read when it touches it. Changes stay in memory
  /// until they are saved: a row that is removed is in the file until then.
  ///
  /// fails: not_found/file_not_found; forbidden/file_not_readable; invalid_input/not_a_file;
  ///        invalid_input/not_an_index_file for another kind of file;
  ///        unsupported/index_file_version; corrupt/index_file_damaged;
  ///        exhausted/index_full when it holds more than `options.row_limit` rows
  /// cost:  reads the links and leaders once, to check them; no embeddings
  [[nodiscard]] static Result<std::unique_ptr<ApproximateIndex>> open(
      const std::filesystem::path& file, const ApproximateOptions& options = {});

  /// Reads a whole saved index and compares it with its checksum, which `open` does not.
  ///
  /// fails: as `open`
  [[nodiscard]] static Result<void> verify(const std::filesystem::path& file);

  /// Writes the whole index as `AtomicFile` does. Fails as it.
  [[nodiscard]] Result<void> save(const std::filesystem::path& file) const;

  void reserve(size_t row_count) override;
  Result<uint32_t> add(std::span<const float> embedding) override;
  Result<void> remove(uint32_t row) override;

  /// Adds rows, one after the other in `embeddings`, linked on all threads; the numbers in order.
  ///
  /// in:    embeddings.size() a multiple of the embedding length (a CHECK)
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
