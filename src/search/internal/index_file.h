#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "base/result.h"
#include "search/internal/graph.h"
#include "search/internal/row_store.h"

namespace faceforge::search::internal {

/// A saved index, mapped: a page of header with its own checksum, the columns of its rows, its
/// leaders and its links, each from the start of a page, and a checksum of everything. Changes stay
/// in memory: the mapping is private. A file that something else cuts short while it is open ends
/// the program (SIGBUS); `write` replaces whole files.
class IndexFile {
 public:
  /// Of the header at the start, behind which its checksum stands.
  static constexpr size_t kHeader_bytes = 64;
  /// Where each part begins, in bytes from the start.
  struct Places {
    size_t values, codes, steps, errors, offsets, presences, leaders, sketches, links, checksum;
  };

  /// Maps a file and checks all that a search relies on: the header, every link, that leaders are
  /// rows and none stands twice, and that every part has its length. Values may be anything.
  ///
  /// fails: as `ApproximateIndex::open`
  /// cost:  reads links, leaders and presences, no values
  [[nodiscard]] static Result<IndexFile> open(const std::filesystem::path& path);

  /// fails: as AtomicFile
  [[nodiscard]] static Result<void> write(const std::filesystem::path& path, const RowStore& rows,
                                          const Graph& graph);

  /// The rows and links of the file, which outlives them.
  ///
  /// in: `row_limit` as RowStore takes it, `leader_cosine` as Graph, `leader_limit` as Leaders
  [[nodiscard]] RowStore rows(size_t row_limit) const;
  [[nodiscard]] Graph graph(float leader_cosine, size_t leader_limit) const;
  [[nodiscard]] size_t row_end() const { return row_end_; }
  [[nodiscard]] size_t leader_count() const { return leader_count_; }
  [[nodiscard]] const Places& places() const { return places_; }

  /// Reads the whole file and compares it with its checksum.
  ///
  /// fails: corrupt/index_file_damaged
  [[nodiscard]] static Result<void> verify(const std::filesystem::path& path);

  ~IndexFile();
  IndexFile(IndexFile&& other) noexcept;
  IndexFile(const IndexFile&) = delete;
  IndexFile& operator=(const IndexFile&) = delete;
  IndexFile& operator=(IndexFile&&) = delete;

 private:
  static Places places_of(size_t length, face::Metric metric, size_t row_end, size_t leader_count);

  IndexFile(std::filesystem::path path, std::span<std::byte> file);
  [[nodiscard]] Result<void> read_header();
  [[nodiscard]] Result<void> check_links() const;
  template <typename T>
  [[nodiscard]] std::span<T> part(size_t start, size_t count) const;

  std::filesystem::path path_;
  std::span<std::byte> file_;  ///< the mapping
  size_t length_ = 0;
  face::Metric metric_ = face::Metric::Cosine;
  size_t row_end_ = 0;
  size_t leader_count_ = 0;
  double norm_limit_ = 0;
  Places places_{};
};

}  // namespace faceforge::search::internal
