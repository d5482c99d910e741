// Times approximate search against hnswlib, query by query in turn, for bench/search, which see:
// faceforge_approximate_timer ROWS QUERIES FOLDER [alone]. Writes one JSON object a line, for
// growing breadth. The indexes take minutes to build: FOLDER keeps them for the next run of the
// same program. With `alone` hnswlib, which takes an hour for a million rows, is left out.

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <thread>

#include <fmt/format.h>
#include <hnswlib/hnswlib.h>

#include "bench/quantile.h"
#include "bench/search_people.h"
#include "search/approximate_index.h"

namespace {

using namespace faceforge;
using bench::median;
using bench::People;
using Rival = hnswlib::HierarchicalNSW<float>;
using Answers = std::vector<std::vector<search::Neighbour>>;

constexpr size_t kNeighbours = 10;
constexpr size_t kRivalConnectivity = 16;  // 32 links at the lowest level, as many as ours
constexpr size_t kRivalLinkBreadth = 96;   // as ours

double now_ms() {
  const auto time = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(time).count();
}

/// Builds what is not there, or was built by an older program than this one. A build that is cut
/// off leaves no file.
///
/// in: `build` writes the file that it is told
template <typename Build>
void build_once(const std::filesystem::path& file, std::string_view name, const Build& build) {
  const auto program_written = std::filesystem::last_write_time("/proc/self/exe");
  if (std::filesystem::exists(file) && std::filesystem::last_write_time(file) > program_written) {
    return;
  }
  const double start_ms = now_ms();
  const std::filesystem::path unfinished = file.string() + ".unfinished";
  build(unfinished);
  std::filesystem::rename(unfinished, file);
  fmt::print(stderr, "{} built in {:.0f} s\n", name, (now_ms() - start_ms) / 1e3);
}

void build_rival(const People& people, std::span<const float> rows,
                 const std::filesystem::path& file) {
  hnswlib::InnerProductSpace space(People::kLength);
  Rival index(&space, people.row_count, kRivalConnectivity, kRivalLinkBreadth);
  const auto add = [&](size_t first) {
    for (size_t row = first; row < people.row_count; row += 2) {
      index.addPoint(rows.data() + row * People::kLength, row);
    }
  };
  const std::jthread other(add, 1);
  add(0);
  index.saveIndex(file.string());
}

struct Setup {
  std::filesystem::path ours;
  std::filesystem::path rival;
  Answers truth;

  /// Builds what is missing, and searches exactly.
  Setup(const People& people, const std::filesystem::path& folder, std::span<const float> queries,
        bool has_rival)
      : ours(folder / fmt::format("people-{}.index", people.row_count)),
        rival(folder / fmt::format("people-{}.hnswlib", people.row_count)) {
    const std::vector<float> rows = people.rows();
    build_once(ours, "FaceForge's index", [&](const std::filesystem::path& file) {
      search::ApproximateIndex index(People::kLength, face::Metric::Cosine);
      CHECK(index.add_batch(rows).has_value() && index.save(file).has_value());
    });
    if (has_rival) {
      build_once(rival, "hnswlib's index",
                 [&](const auto& file) { build_rival(people, rows, file); });
    }
    search::ExactIndex exact(People::kLength, face::Metric::Cosine);
    exact.reserve(people.row_count);
    for (size_t row = 0; row < people.row_count; ++row) {
      CHECK(exact.add({rows.data() + row * People::kLength, People::kLength}).has_value());
    }
    truth = exact.nearest_batch(queries, kNeighbours).value();
  }
};

/// How many of the true neighbours are among those found.
template <typename Found, typename RowOf>
size_t hits(std::span<const search::Neighbour> truth, const Found& found, const RowOf& row_of) {
  return static_cast<size_t>(std::ranges::count_if(truth, [&](const search::Neighbour& wanted) {
    return std::ranges::any_of(found, [&](const auto& one) { return row_of(one) == wanted.row; });
  }));
}

/// in: `rival` is null where it is left out
void time(const Setup& setup, size_t breadth, Rival* rival, std::span<const float> queries) {
  const auto ours = search::ApproximateIndex::open(setup.ours, {.breadth = breadth});
  CHECK(ours.has_value());
  if (rival != nullptr) rival->setEf(breadth);
  std::vector<double> ours_ms, rival_ms;
  size_t our_hits = 0;
  size_t rival_hits = 0;
  for (size_t query = 0; query < setup.truth.size(); ++query) {
    const auto values = queries.subspan(query * People::kLength, People::kLength);
    const double start_ms = now_ms();
    const auto found = (*ours)->nearest(values, kNeighbours);
    const double middle_ms = now_ms();
    ours_ms.push_back(middle_ms - start_ms);
    our_hits += hits(setup.truth[query], *found, [](const auto& one) { return one.row; });
    if (rival == nullptr) continue;
    const double rival_start_ms = now_ms();
    const auto rival_found = rival->searchKnnCloserFirst(values.data(), kNeighbours);
    rival_ms.push_back(now_ms() - rival_start_ms);
    rival_hits += hits(setup.truth[query], rival_found, [](const auto& one) { return one.second; });
  }
  const double wanted = static_cast<double>(setup.truth.size() * kNeighbours);
  fmt::print(R"({{"name":"approximate top-{} of {} x {}, breadth {}","ours_ms":{:.4f},)",
             kNeighbours, (*ours)->row_count(), People::kLength, breadth, median(ours_ms));
  fmt::print(R"("threads":1,"batch":1,"queries":{},"recall":{:.4f},)", setup.truth.size(),
             static_cast<double>(our_hits) / wanted);
  if (rival == nullptr) {
    fmt::print(R"("rival":null,"rival_ms":null,"ratio":null}})");
  } else {
    fmt::print(R"("rival":"hnswlib 0.6","rival_ms":{:.4f},"ratio":{:.3f},"rival_recall":{:.4f}}})",
               median(rival_ms), median(rival_ms) / median(ours_ms),
               static_cast<double>(rival_hits) / wanted);
  }
  fmt::print("\n");
  std::fflush(stdout);
}

}  // namespace

int main(int argument_count, char** arguments) {
  const bool is_alone = argument_count == 5 && std::string_view(arguments[4]) == "alone";
  if (argument_count != 4 && !is_alone) {
    fmt::print(stderr, "usage: faceforge_approximate_timer ROWS QUERIES FOLDER [alone]\n");
    return 2;
  }
  const People people{.row_count = std::strtoull(arguments[1], nullptr, 10)};
  const auto queries = people.queries(std::strtoull(arguments[2], nullptr, 10));
  std::filesystem::create_directories(arguments[3]);
  const Setup setup(people, arguments[3], queries, !is_alone);
  hnswlib::InnerProductSpace space(People::kLength);
  const auto rival = is_alone ? nullptr : std::make_unique<Rival>(&space, setup.rival.string());
  for (const size_t breadth : {20U, 32U, 48U, 64U, 96U, 128U, 192U, 256U}) {
    time(setup, breadth, rival.get(), queries);
  }
}
