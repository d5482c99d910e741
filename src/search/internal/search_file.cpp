#include "search/internal/search_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"

namespace faceforge::search::internal {
namespace {

constexpr size_t kPage_bytes = 4'096;
constexpr uint64_t kVersion = 1;
constexpr char kMagic[8] = {'F', 'F', 'S', 'E', 'A', 'R', 'C', 'H'};

struct Header {
  char magic[8];
  uint64_t version;
  uint64_t length;
  uint64_t metric;  ///< 0 cosine, 1 L2
  uint64_t row_count;
};

size_t whole_pages(size_t bytes) {
  return (bytes + kPage_bytes - 1) / kPage_bytes * kPage_bytes;
}

Unexpected damaged(const std::filesystem::path& file, std::string_view what) {
  return fail(ErrorCode::Corrupt, "search_file_damaged", "{} is damaged: {}", file.string(), what);
}

/// Writes bytes and counts them, so that what follows can begin at a page.
class PagedWriter {
 public:
  explicit PagedWriter(AtomicFile& file) : file_(&file) {}

  Result<void> write(std::span<const std::byte> bytes) {
    written_bytes_ += bytes.size();
    return file_->write(bytes);
  }
  Result<void> fill_page() {
    const std::vector<std::byte> zeros(whole_pages(written_bytes_) - written_bytes_);
    return write(zeros);
  }
  template <typename T>
  Result<void> write_column(const Column<T>& column) {
    TRY(write(std::as_bytes(column.span())));
    return fill_page();
  }

 private:
  AtomicFile* file_;
  size_t written_bytes_ = 0;
};

}  // namespace

SearchFile::Places SearchFile::places_of(size_t length, face::Metric metric, size_t row_count) {
  size_t next = kPage_bytes;
  const auto place = [&next](size_t bytes) {
    return std::exchange(next, next + whole_pages(bytes));
  };
  Places places{};
  places.values = place(row_count * length * sizeof(float));
  places.codes = place(row_count * stride_of(length));
  places.steps = place(row_count * sizeof(float));
  places.errors = place(row_count * sizeof(float));
  places.offsets = place(metric == face::Metric::L2 ? row_count * sizeof(float) : 0);
  places.presences = place(row_count);
  places.graph = next;
  return places;
}

Result<void> SearchFile::write(const std::filesystem::path& file, const RowStore& rows,
                               const Graph& graph) {
  Header header{};
  std::ranges::copy(kMagic, header.magic);
  header.version = kVersion;
  header.length = rows.length();
  header.metric = rows.metric() == face::Metric::L2 ? 1 : 0;
  header.row_count = rows.row_end();
  AtomicFile atomic = TRY(AtomicFile::create(file));
  PagedWriter writer(atomic);
  Sha256Stream sum;
  const auto header_bytes = std::as_bytes(std::span(&header, 1));
  sum.add(header_bytes);
  TRY(writer.write(header_bytes));
  TRY(writer.fill_page());
  const RowStore::Columns& columns = rows.columns();
  TRY(writer.write_column(columns.values));
  TRY(writer.write_column(columns.codes));
  TRY(writer.write_column(columns.steps));
  TRY(writer.write_column(columns.errors));
  TRY(writer.write_column(columns.offsets));
  TRY(writer.write_column(columns.presences));
  // The graph comes in small pieces.
  std::vector<std::byte> pending;
  const auto flush = [&]() -> Result<void> {
    sum.add(pending);
    TRY(writer.write(pending));
    pending.clear();
    return {};
  };
  TRY(graph.save([&](std::span<const std::byte> bytes) -> Result<void> {
    pending.insert(pending.end(), bytes.begin(), bytes.end());
    return pending.size() < (size_t{1} << 20) ? Result<void>() : flush();
  }));
  TRY(flush());
  TRY(writer.write(sum.finish()));
  return atomic.finish();
}

Result<SearchFile> SearchFile::open(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) {
    if (errno == ENOENT) {
      return fail(ErrorCode::NotFound, "file_not_found", "{} does not exist", file.string());
    }
    return Unexpected(file_error(errno, "open", file));
  }
  struct stat status {};
  SearchFile opened;
  opened.path_ = file;
  int error_number = ::fstat(descriptor, &status) == 0 ? 0 : errno;
  const auto bytes = static_cast<size_t>(std::max<off_t>(status.st_size, 0));
  if (error_number == 0 && bytes > 0) {
    void* const start = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (start == MAP_FAILED) {
      error_number = errno;
    } else {
      opened.bytes_ = {static_cast<std::byte*>(start), bytes};
    }
  }
  ::close(descriptor);
  if (error_number != 0) return Unexpected(file_error(error_number, "map", file));
  TRY(opened.read_header(file));
  return opened;
}

template <typename T>
std::span<T> SearchFile::part(size_t start, size_t count) const {
  return {reinterpret_cast<T*>(bytes_.data() + start), count};
}

Result<void> SearchFile::read_header(const std::filesystem::path& file) {
  Header header{};
  if (bytes_.size() < kPage_bytes) return damaged(file, "it is cut short");
  std::memcpy(&header, bytes_.data(), sizeof(header));
  if (!std::ranges::equal(header.magic, kMagic)) return damaged(file, "it is no search file");
  if (header.version != kVersion) {
    return fail(ErrorCode::Unsupported, "search_file_version",
                "{} has version {}; this program reads {}", file.string(), header.version,
                kVersion);
  }
  if (header.length < 1 || header.length > Index::kMaxLength || header.metric > 1 ||
      header.row_count > Index::kMaxRows || header.row_count > bytes_.size() / header.length) {
    return damaged(file, "its header holds an impossible size");
  }
  length_ = header.length;
  metric_ = header.metric == 1 ? face::Metric::L2 : face::Metric::Cosine;
  row_count_ = header.row_count;
  places_ = places_of(length_, metric_, row_count_);
  if (bytes_.size() < places_.graph + sizeof(Sha256)) return damaged(file, "it is cut short");
  graph_ = bytes_.subspan(places_.graph, bytes_.size() - places_.graph - sizeof(Sha256));
  Sha256Stream sum;
  sum.add(std::as_bytes(std::span(&header, 1)));
  sum.add(graph_);
  if (!std::ranges::equal(sum.finish(), bytes_.last(sizeof(Sha256)))) {
    return damaged(file, "its checksum differs");
  }
  // A removal that a crash interrupted is finished.
  for (size_t row = 0; row < row_count_; ++row) {
    const auto presence = std::to_integer<uint8_t>(bytes_[places_.presences + row]);
    if (presence == 0 && part<float>(places_.steps, row_count_)[row] != 0) TRY(wipe(row));
  }
  return {};
}

RowStore::Columns SearchFile::columns() const {
  RowStore::Columns columns;
  columns.values = Column<float>(part<float>(places_.values, row_count_ * length_));
  columns.codes = Column<int8_t>(part<int8_t>(places_.codes, row_count_ * stride_of(length_)));
  columns.steps = Column<float>(part<float>(places_.steps, row_count_));
  columns.errors = Column<float>(part<float>(places_.errors, row_count_));
  if (metric_ == face::Metric::L2) {
    columns.offsets = Column<float>(part<float>(places_.offsets, row_count_));
  }
  columns.presences = Column<uint8_t>(part<uint8_t>(places_.presences, row_count_));
  return columns;
}

Result<void> SearchFile::wipe_part(size_t start, size_t bytes) {
  std::memset(bytes_.data() + start, 0, bytes);
  const size_t page = start / kPage_bytes * kPage_bytes;
  if (::msync(bytes_.data() + page, start + bytes - page, MS_SYNC) != 0) {
    return Unexpected(file_error(errno, "write", path_));
  }
  return {};
}

Result<void> SearchFile::wipe(size_t row) {
  if (row >= row_count_) return {};
  // The presence first and the step last: a crash between them leaves a removed row with a step,
  // and `open` goes on.
  TRY(wipe_part(places_.presences + row, 1));
  TRY(wipe_part(places_.values + row * length_ * sizeof(float), length_ * sizeof(float)));
  TRY(wipe_part(places_.codes + row * stride_of(length_), stride_of(length_)));
  if (metric_ == face::Metric::L2) {
    TRY(wipe_part(places_.offsets + row * sizeof(float), sizeof(float)));
  }
  TRY(wipe_part(places_.errors + row * sizeof(float), sizeof(float)));
  return wipe_part(places_.steps + row * sizeof(float), sizeof(float));
}

SearchFile::~SearchFile() {
  if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

SearchFile::SearchFile(SearchFile&& other) noexcept {
  *this = std::move(other);
}

SearchFile& SearchFile::operator=(SearchFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  std::swap(path_, other.path_);
  std::swap(length_, other.length_);
  std::swap(metric_, other.metric_);
  std::swap(row_count_, other.row_count_);
  std::swap(places_, other.places_);
  std::swap(graph_, other.graph_);
  return *this;
}

}  // namespace faceforge::search::internal
