// Reads damaged search indexes: faceforge_fuzz_index [COUNT] [SEED]
//
// What is opened is searched and changed, for a search relies on what opening checks: next to
// damaged bytes there are headers, links and values that say something else under a checksum that
// is right.

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string>

#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"
#include "reader.h"
#include "search/approximate_index.h"
#include "search/internal/index_file.h"
#include "support/face_like.h"

namespace faceforge {
namespace {

using fuzz::Bytes;

constexpr size_t kLength = 8;
/// More rows than are compared one by one, so that links are followed.
constexpr size_t kRows = 4'200;
/// So large that hundreds of the rows lead.
constexpr float kLeaderCosine = 0.95F;

std::filesystem::path file() {
  return std::filesystem::temp_directory_path() /
         ("faceforge_fuzz_index_" + std::to_string(::getpid()));
}

Bytes sample(face::Metric metric) {
  const test::FaceLike faces(kLength, 1);
  search::ApproximateIndex index(kLength, metric, {.leader_cosine = kLeaderCosine});
  std::vector<float> values;
  for (size_t row = 0; row < kRows; ++row) {
    const auto photo = faces.photo(row, 0);
    values.insert(values.end(), photo.begin(), photo.end());
  }
  CHECK(index.add_batch(values).has_value());
  CHECK(index.remove(7).has_value());
  CHECK(index.save(file()).has_value());
  return read_file(file(), size_t{1} << 30).value();
}

Error read(const Bytes& bytes) {
  CHECK(write_file_atomically(file(), bytes).has_value());
  const auto opened =
      search::ApproximateIndex::open(file(), {.thread_limit = 1, .leader_cosine = kLeaderCosine});
  std::filesystem::remove(file());  // what is mapped stays
  if (!opened) return opened.error();
  search::ApproximateIndex& index = **opened;
  const std::vector<float> query(index.embedding_length(), 0.1F);
  const auto found = index.nearest(query, 10);
  CHECK(found.has_value());
  for (const search::Neighbour& neighbour : *found) {
    CHECK(index.row(neighbour.row).size() == query.size());
  }
  const auto added = index.add(query);
  CHECK(added.has_value());
  CHECK(index.remove(*added).has_value());
  for (const search::Neighbour& neighbour : *found) {
    CHECK(index.remove(neighbour.row).has_value());
  }
  CHECK(index.nearest(query, 3).has_value());
  return {};
}

/// Changes values, links to other rows, leaders, their sketches or a number of the header, whose
/// checksum it makes right.
Bytes change_index(const Bytes& original, std::mt19937_64& random) {
  constexpr size_t kHeader_bytes = search::internal::IndexFile::kHeader_bytes;
  CHECK(write_file_atomically(file(), original).has_value());
  const auto opened = search::internal::IndexFile::open(file());
  CHECK(opened.has_value() && opened->leader_count() > 100);
  const auto& places = opened->places();
  Bytes changed = original;
  const auto leader = [&] {
    return changed.data() + places.leaders + 4 * (random() % opened->leader_count());
  };
  for (size_t count = 1 + random() % 64; count > 0; --count) {
    const auto row = static_cast<uint32_t>(random() % kRows);
    switch (random() % 4) {
      case 0:
        changed[places.values + random() % (places.links - places.values)] =
            static_cast<std::byte>(random());
        break;
      case 1:
        std::memcpy(changed.data() + places.links + 4 * (random() % (kRows * 32)), &row,
                    sizeof(row));
        break;
      case 2: {
        std::byte* const one = leader();
        std::swap_ranges(one, one + 4, leader());
        break;
      }
      default:
        changed[places.sketches + random() % (opened->leader_count() * 32)] =
            static_cast<std::byte>(random());
        break;
    }
  }
  if (random() % 16 == 0) {
    const auto row = static_cast<uint32_t>(random() % kRows);
    std::memcpy(leader(), &row, sizeof(row));
  }
  if (random() % 8 == 0) {
    const size_t number = 2 + random() % (kHeader_bytes / 8 - 2);  // behind the name and version
    const uint64_t value = random() % 2 == 0 ? random() % 10'000 : random();
    std::memcpy(changed.data() + 8 * number, &value, sizeof(value));
  }
  const auto checksum = sha256(std::span(changed).first(kHeader_bytes));
  std::ranges::copy(checksum, changed.data() + kHeader_bytes);
  return changed;
}

}  // namespace
}  // namespace faceforge

int main(int argc, char** argv) {
  return faceforge::fuzz::fuzz_readers(
      {{.name = "index",
        .originals = {faceforge::sample(faceforge::face::Metric::Cosine),
                      faceforge::sample(faceforge::face::Metric::L2)},
        .documented = {"not_an_index_file", "index_file_version", "index_file_damaged"},
        .read = faceforge::read,
        .change_meaning = faceforge::change_index}},
      argc, argv);
}
