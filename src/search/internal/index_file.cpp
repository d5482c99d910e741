#include "search/internal/index_file.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"
#include "search/approximate_index.h"

namespace faceforge::search::internal {
namespace {

constexpr size_t kPage_bytes = 4'096;
constexpr uint64_t kVersion = 2;
constexpr char kMagic[8] = {'F', 'F', 'I', 'N', 'D', 'E', 'X', '\0'};

/// The start of the file, in this machine's byte order; then its SHA-256, then zeros.
struct Header {
  char magic[8];
  uint64_t version;
  uint64_t length;
  uint64_t metric;  ///< 0 cosine, 1 L2
  uint64_t row_end;
  uint64_t links;  ///< of a row
  uint64_t leader_count;
  double norm_limit;
};
static_assert(sizeof(Header) == IndexFile::kHeader_bytes);

size_t whole_pages(size_t bytes) {
  return (bytes + kPage_bytes - 1) / kPage_bytes * kPage_bytes;
}

Unexpected damaged(const std::filesystem::path& path, std::string_view what) {
  return fail(ErrorCode::Corrupt, "index_file_damaged", "{}: {}", path.string(), what);
}

Error read_error(int error_number, const std::filesystem::path& path) {
  Error error = file_error(error_number, "read", path);
  if (error_number == ENOENT || error_number == ENOTDIR) error.reason = "file_not_found";
  if (error.code == ErrorCode::Forbidden) error.reason = "file_not_readable";
  return error;
}

/// Maps the file behind a descriptor for this process alone; nothing is mapped for an empty one.
Result<std::span<std::byte>> map_descriptor(int descriptor, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return Unexpected(read_error(errno, path));
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::InvalidInput, "not_a_file", "{} is not a regular file", path.string());
  }
  const auto size = static_cast<size_t>(status.st_size);
  if (size == 0) return std::span<std::byte>();
  void* const mapped =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, descriptor, 0);
  if (mapped == MAP_FAILED) return Unexpected(read_error(errno, path));
  return std::span(static_cast<std::byte*>(mapped), size);
}

Result<std::span<std::byte>> map_file(const std::filesystem::path& path) {
  // Non-blocking, so that a pipe without a writer is refused rather than waited for.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return Unexpected(read_error(errno, path));
  auto mapped = map_descriptor(descriptor, path);
  ::close(descriptor);  // the mapping outlives it
  return mapped;
}

/// Writes and hashes bytes and counts them, so that what follows can begin at a page.
class PagedWriter {
 public:
  explicit PagedWriter(AtomicFile& file) : file_(&file) {}

  Result<void> write(std::span<const std::byte> bytes) {
    written_bytes_ += bytes.size();
    sum_.add(bytes);
    return file_->write(bytes);
  }
  Result<void> fill_page() {
    const std::vector<std::byte> zeros(whole_pages(written_bytes_) - written_bytes_);
    return write(zeros);
  }
  template <typename T>
  Result<void> write_column(std::span<const T> column) {
    TRY(write(std::as_bytes(column)));
    return fill_page();
  }
  Result<void> finish() {
    TRY(file_->write(sum_.finish()));
    return file_->finish();
  }

 private:
  AtomicFile* file_;
  Sha256Stream sum_;
  size_t written_bytes_ = 0;
};

}  // namespace

IndexFile::Places IndexFile::places_of(size_t length, face::Metric metric, size_t row_end,
                                       size_t leader_count) {
  size_t next = kPage_bytes;
  const auto place = [&next](size_t bytes) {
    return std::exchange(next, next + whole_pages(bytes));
  };
  Places places{};
  places.values = place(row_end * length * sizeof(float));
  places.codes = place(row_end * stride_of(length));
  places.steps = place(row_end * sizeof(float));
  places.errors = place(row_end * sizeof(float));
  places.offsets = place(metric == face::Metric::L2 ? row_end * sizeof(float) : 0);
  places.presences = place(row_end);
  places.leaders = place(leader_count * sizeof(uint32_t));
  places.sketches = place(leader_count * sizeof(Sketch));
  places.links = place(row_end * Graph::kLinks * sizeof(uint32_t));
  places.checksum = next;
  return places;
}

Result<void> IndexFile::write(const std::filesystem::path& path, const RowStore& rows,
                              const Graph& graph) {
  Header header{};
  std::ranges::copy(kMagic, header.magic);
  header.version = kVersion;
  header.length = rows.length();
  header.metric = rows.metric() == face::Metric::L2 ? 1 : 0;
  header.row_end = rows.row_end();
  header.links = Graph::kLinks;
  header.leader_count = graph.leaders().rows().size();
  header.norm_limit = rows.norm_limit();
  const auto header_bytes = std::as_bytes(std::span(&header, 1));
  AtomicFile file = TRY(AtomicFile::create(path));
  PagedWriter writer(file);
  TRY(writer.write(header_bytes));
  TRY(writer.write(sha256(header_bytes)));
  TRY(writer.fill_page());
  const RowStore::Columns& columns = rows.columns();
  TRY(writer.write_column(columns.values.span()));
  TRY(writer.write_column(columns.codes.span()));
  TRY(writer.write_column(columns.steps.span()));
  TRY(writer.write_column(columns.errors.span()));
  TRY(writer.write_column(columns.offsets.span()));
  TRY(writer.write_column(columns.presences.span()));
  TRY(writer.write_column(graph.leaders().rows().span()));
  TRY(writer.write_column(graph.leaders().sketches().span()));
  const auto links = graph.links().span();
  TRY(writer.write(std::as_bytes(links)));
  // Rows that were taken back before they were linked have none.
  const std::vector<uint32_t> missing(rows.row_end() * Graph::kLinks - links.size(), Graph::kNoRow);
  TRY(writer.write_column<uint32_t>(missing));
  return writer.finish();
}

IndexFile::IndexFile(std::filesystem::path path, std::span<std::byte> file)
    : path_(std::move(path)), file_(file) {}

IndexFile::IndexFile(IndexFile&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::exchange(other.file_, {})),
      length_(other.length_),
      metric_(other.metric_),
      row_end_(other.row_end_),
      leader_count_(other.leader_count_),
      norm_limit_(other.norm_limit_),
      places_(other.places_) {}

IndexFile::~IndexFile() {
  if (!file_.empty()) ::munmap(file_.data(), file_.size());
}

Result<IndexFile> IndexFile::open(const std::filesystem::path& path) {
  IndexFile opened(path, TRY(map_file(path)));
  TRY(opened.read_header());
  TRY(opened.check_links());
  return opened;
}

template <typename T>
std::span<T> IndexFile::part(size_t start, size_t count) const {
  return {reinterpret_cast<T*>(file_.data() + start), count};
}

Result<void> IndexFile::read_header() {
  Header header{};
  if (file_.size() < sizeof(kMagic) || std::memcmp(file_.data(), kMagic, sizeof(kMagic)) != 0) {
    return fail(ErrorCode::InvalidInput, "not_an_index_file", "{} is no search index",
                path_.string());
  }
  if (file_.size() < kPage_bytes + sizeof(Sha256)) return damaged(path_, "it ends early");
  std::memcpy(&header, file_.data(), sizeof(header));
  if (header.version != kVersion || header.links != Graph::kLinks) {
    return fail(ErrorCode::Unsupported, "index_file_version",
                "{} has version {} with {} links a row; this program reads version {} with {}",
                path_.string(), header.version, header.links, kVersion, Graph::kLinks);
  }
  const auto checksum = sha256(std::as_bytes(std::span(&header, 1)));
  if (!std::ranges::equal(checksum, file_.subspan(sizeof(header), checksum.size()))) {
    return damaged(path_, "the checksum of its header differs");
  }
  // Rows times length is no more than the file is long, so that no size below overflows.
  if (header.length < 1 || header.length > Index::kMaxLength || header.metric > 1 ||
      header.row_end > Index::kMaxRows || header.row_end > file_.size() / header.length ||
      header.leader_count > ApproximateOptions::kMaxLeaders || !(header.norm_limit >= 0) ||
      !std::isfinite(header.norm_limit)) {
    return damaged(path_, "its header holds an impossible size");
  }
  length_ = header.length;
  metric_ = header.metric == 1 ? face::Metric::L2 : face::Metric::Cosine;
  row_end_ = header.row_end;
  leader_count_ = header.leader_count;
  norm_limit_ = header.norm_limit;
  places_ = places_of(length_, metric_, row_end_, leader_count_);
  if (file_.size() != places_.checksum + sizeof(Sha256)) {
    return damaged(path_, "it has another length than its header says");
  }
  return {};
}

Result<void> IndexFile::check_links() const {
  const auto links = part<const uint32_t>(places_.links, row_end_ * Graph::kLinks);
  const auto is_link = [this](uint32_t row) { return row < row_end_ || row == Graph::kNoRow; };
  if (!std::ranges::all_of(links, is_link)) return damaged(path_, "a link to a row that is none");
  const auto leaders = part<const uint32_t>(places_.leaders, leader_count_);
  if (std::ranges::any_of(leaders, [this](uint32_t row) { return row >= row_end_; })) {
    return damaged(path_, "a leader that is no row");
  }
  std::vector<bool> is_leader(row_end_);
  for (const uint32_t row : leaders) {
    if (is_leader[row]) return damaged(path_, "a leader that stands twice");
    is_leader[row] = true;
  }
  const auto presences = part<const uint8_t>(places_.presences, row_end_);
  if (std::ranges::any_of(presences, [](uint8_t presence) { return presence > 1; })) {
    return damaged(path_, "a row that is neither there nor removed");
  }
  return {};
}

RowStore IndexFile::rows(size_t row_limit) const {
  RowStore::Columns columns;
  columns.values = Column(part<float>(places_.values, row_end_ * length_));
  columns.codes = Column(part<int8_t>(places_.codes, row_end_ * stride_of(length_)));
  columns.steps = Column(part<float>(places_.steps, row_end_));
  columns.errors = Column(part<float>(places_.errors, row_end_));
  if (metric_ == face::Metric::L2) {
    columns.offsets = Column(part<float>(places_.offsets, row_end_));
  }
  columns.presences = Column(part<uint8_t>(places_.presences, row_end_));
  return {length_, metric_, row_limit, std::move(columns), norm_limit_};
}

Graph IndexFile::graph(float leader_cosine, size_t leader_limit) const {
  return {leader_cosine,
          Leaders(leader_limit, Column(part<uint32_t>(places_.leaders, leader_count_)),
                  Column(part<Sketch>(places_.sketches, leader_count_))),
          Column(part<uint32_t>(places_.links, row_end_ * Graph::kLinks))};
}

Result<void> IndexFile::verify(const std::filesystem::path& path) {
  const IndexFile opened = TRY(open(path));
  const auto checksum =
      sha256(std::span<const std::byte>(opened.file_).first(opened.places_.checksum));
  if (!std::ranges::equal(checksum, opened.file_.last(checksum.size()))) {
    return damaged(path, "its checksum differs");
  }
  return {};
}

}  // namespace faceforge::search::internal
