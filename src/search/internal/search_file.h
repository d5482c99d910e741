#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "base/result.h"
#include "search/internal/graph.h"
#include "search/internal/row_store.h"

namespace faceforge::search::internal {

/// A saved index, mapped: a page of header, the columns of its rows each from the start of a page,
/// the links, and a checksum of header and links. The rows have none, so that one can be
/// overwritten in its place.
class SearchFile {
 public:
  /// fails: as `ApproximateIndex::open`
  [[nodiscard]] static Result<SearchFile> open(const std::filesystem::path& file);

  /// fails: as AtomicFile
  [[nodiscard]] static Result<void> write(const std::filesystem::path& file, const RowStore& rows,
                                          const Graph& graph);

  ~SearchFile();
  SearchFile(SearchFile&& other) noexcept;
  SearchFile& operator=(SearchFile&& other) noexcept;

  [[nodiscard]] size_t length() const { return length_; }
  [[nodiscard]] face::Metric metric() const { return metric_; }
  /// The mapped columns; they do not outlive this.
  [[nodiscard]] RowStore::Columns columns() const;
  [[nodiscard]] std::span<std::byte> graph() const { return graph_; }

  /// Overwrites a row with zeros and waits until the disk has them; nothing for a row that the
  /// file does not hold.
  ///
  /// fails: internal/file_error
  [[nodiscard]] Result<void> wipe(size_t row);

 private:
  /// Where each column begins, in bytes from the start.
  struct Places {
    size_t values, codes, steps, errors, offsets, presences, graph;
  };
  static Places places_of(size_t length, face::Metric metric, size_t row_count);

  SearchFile() = default;
  [[nodiscard]] Result<void> read_header(const std::filesystem::path& file);
  [[nodiscard]] Result<void> wipe_part(size_t start, size_t bytes);
  template <typename T>
  [[nodiscard]] std::span<T> part(size_t start, size_t count) const;

  std::span<std::byte> bytes_;
  std::filesystem::path path_;
  size_t length_ = 0;
  face::Metric metric_ = face::Metric::Cosine;
  size_t row_count_ = 0;
  Places places_{};
  std::span<std::byte> graph_;
};

}  // namespace faceforge::search::internal
