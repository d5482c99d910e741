// Times exact search against FAISS, turn by turn in the same run, for bench/search, which see:
// faceforge_search_timer ROWS THREADS ROUNDS QUERIES. Writes one JSON object a line.

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <span>

#include <faiss/IndexFlat.h>
#include <fmt/format.h>
#include <omp.h>

#include "bench/quantile.h"
#include "bench/search_people.h"
#include "search/index.h"
#include "search/internal/column.h"

namespace {

using namespace faceforge;
using bench::median;
using bench::People;
using bench::quantile;

constexpr size_t kNeighbours = 10;
/// Of each side in a round, at least one run.
constexpr double kRoundLength_ms = 200;

double milliseconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

/// Memory laid out like an index's codes, and as long, that a plain loop reads: the roofline.
class Roofline {
 public:
  explicit Roofline(size_t code_count) { words_.grow(code_count / sizeof(uint64_t)); }

  /// Sums all of it, in parts on `thread_count` threads: by the quicker of two loops, of which one
  /// asks for what comes next. It helps some processors and hinders others.
  [[nodiscard]] double milliseconds_to_read(size_t thread_count) const {
    return std::min(milliseconds_to_sum<true>(thread_count),
                    milliseconds_to_sum<false>(thread_count));
  }

 private:
  template <bool kAsks>
  [[nodiscard]] double milliseconds_to_sum(size_t thread_count) const {
    std::vector<uint64_t> sums(thread_count);
    const double taken_ms = milliseconds_of([&] {
      std::vector<std::jthread> threads;
      for (size_t thread = 1; thread < thread_count; ++thread) {
        threads.emplace_back(
            [&, thread] { sums[thread] = sum_of_part<kAsks>(thread, thread_count); });
      }
      sums[0] = sum_of_part<kAsks>(0, thread_count);
    });
    // Looked at, so that the compiler reads at all.
    CHECK(std::ranges::count(sums, uint64_t{0}) == static_cast<std::ptrdiff_t>(thread_count));
    return taken_ms;
  }

  template <bool kAsks>
  [[nodiscard]] uint64_t sum_of_part(size_t thread, size_t thread_count) const {
    constexpr size_t kStep = 32;
    constexpr size_t kAhead = 512;  // 4 KiB: the processor's own prefetching ends with a page
    const auto part =
        words_.span().subspan(words_.size() * thread / thread_count, words_.size() / thread_count);
    uint64_t lanes[8] = {};
    for (size_t word = 0; word + kStep <= part.size(); word += kStep) {
      for (size_t line = 0; kAsks && line < kStep; line += 8) {
        __builtin_prefetch(part.data() + word + kAhead + line);
      }
#pragma GCC unroll 32
      for (size_t lane = 0; lane < kStep; ++lane) lanes[lane % 8] += part[word + lane];
    }
    return std::accumulate(std::begin(lanes), std::end(lanes), uint64_t{0});
  }

  search::internal::Column<uint64_t> words_;
};

/// Milliseconds of one run each, in turn, first those of `ours`.
struct Paired {
  std::vector<double> ours_ms, rival_ms, read_ms, ratios;
};

/// in: `read_ms` reads, and says how long it took
Paired time_in_turn(size_t round_count, const std::function<void()>& ours,
                    const std::function<void()>& rival, const std::function<double()>& read_ms) {
  const auto median_of = [](const std::function<double()>& time_ms) {
    std::vector<double> times_ms;
    for (double total_ms = 0; total_ms < kRoundLength_ms;) {
      times_ms.push_back(time_ms());
      total_ms += times_ms.back();
    }
    return median(times_ms);
  };
  const auto timed = [&](const std::function<void()>& work) {
    return median_of([&] { return milliseconds_of(work); });
  };
  ours();
  rival();
  Paired paired;
  for (size_t round = 0; round < round_count; ++round) {
    const bool are_we_first = round % 2 == 0;  // who goes first alternates
    const double first_ms = timed(are_we_first ? ours : rival);
    paired.read_ms.push_back(median_of(read_ms));
    const double second_ms = timed(are_we_first ? rival : ours);
    paired.ours_ms.push_back(are_we_first ? first_ms : second_ms);
    paired.rival_ms.push_back(are_we_first ? second_ms : first_ms);
    paired.ratios.push_back(paired.rival_ms.back() / paired.ours_ms.back());
  }
  return paired;
}

struct Bench {
  search::ExactIndex ours;
  faiss::IndexFlatIP rival;
  Roofline roofline;
  size_t thread_count;
  size_t round_count;
  std::vector<float> queries;

  [[nodiscard]] size_t query_count() const { return queries.size() / People::kLength; }
  [[nodiscard]] std::vector<faiss::Index::idx_t> rival_labels(const float* from,
                                                              size_t count) const {
    std::vector<faiss::Index::idx_t> labels(count * kNeighbours);
    std::vector<float> similarities(count * kNeighbours);
    rival.search(static_cast<faiss::Index::idx_t>(count), from, kNeighbours, similarities.data(),
                 labels.data());
    return labels;
  }
  [[nodiscard]] auto our_neighbours(const float* from, size_t count) const {
    auto found = ours.nearest_batch({from, count * People::kLength}, kNeighbours);
    CHECK(found.has_value());
    return std::move(*found);
  }

  /// The share of the queries that both answer with the same rows in the same order.
  [[nodiscard]] double agreement() const {
    constexpr size_t kAtOnce = 100;
    size_t equal_count = 0;
    for (size_t first = 0; first < query_count(); first += kAtOnce) {
      const size_t count = std::min(kAtOnce, query_count() - first);
      const float* const from = queries.data() + first * People::kLength;
      const auto labels = rival_labels(from, count);
      const auto neighbours = our_neighbours(from, count);
      for (size_t query = 0; query < count; ++query) {
        equal_count += std::ranges::equal(
            neighbours[query], std::span(labels).subspan(query * kNeighbours, kNeighbours),
            [](const search::Neighbour& neighbour, faiss::Index::idx_t label) {
              return faiss::Index::idx_t{neighbour.row} == label;
            });
      }
    }
    return static_cast<double>(equal_count) / static_cast<double>(query_count());
  }

  void time(size_t batch, double equal_share) const {
    size_t next = 0;
    const auto from = [&] {
      next = (next + batch) % (query_count() - batch + 1);
      return queries.data() + next * People::kLength;
    };
    const Paired times = time_in_turn(
        round_count, [&] { (void)our_neighbours(from(), batch); },
        [&] { (void)rival_labels(from(), batch); },
        [&] { return roofline.milliseconds_to_read(thread_count); });
    const double ours_ms = median(times.ours_ms);
    // A code of one byte a value.
    const double codes_mb = static_cast<double>(ours.row_count() * People::kLength) / 1e6;
    const double ours_gb_s = codes_mb / ours_ms;
    const double read_gb_s = codes_mb / median(times.read_ms);
    fmt::print(R"({{"name":"exact top-{} of {} x {}","ours_ms":{:.4f},)", kNeighbours,
               ours.row_count(), People::kLength, ours_ms);
    fmt::print(R"("rival":"FAISS {}.{}.{} IndexFlatIP","rival_ms":{:.4f},"ratio":{:.3f},)",
               FAISS_VERSION_MAJOR, FAISS_VERSION_MINOR, FAISS_VERSION_PATCH,
               median(times.rival_ms), median(times.ratios));
    fmt::print(R"("threads":{},"batch":{},"ratio_low":{:.3f},"ratio_high":{:.3f},)", thread_count,
               batch, quantile(times.ratios, 0.25), quantile(times.ratios, 0.75));
    fmt::print(R"("same_answers":{:.4f},"queries":{})", equal_share, query_count());
    // A batch reads the codes once for all of its queries: its time is that of computing.
    if (batch == 1) {
      fmt::print(R"(,"ours_gb_s":{:.2f},"read_gb_s":{:.2f},"bandwidth_share":{:.3f})", ours_gb_s,
                 read_gb_s, ours_gb_s / read_gb_s);
    }
    fmt::print("}}\n");
    std::fflush(stdout);
  }
};

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count != 5) {
    fmt::print(stderr, "usage: faceforge_search_timer ROWS THREADS ROUNDS QUERIES\n");
    return 2;
  }
  const auto number = [&](int place) { return std::strtoull(arguments[place], nullptr, 10); };
  const People people{.row_count = number(1)};
  Bench bench{.ours = {People::kLength, face::Metric::Cosine, {.thread_limit = number(2)}},
              .rival = faiss::IndexFlatIP(People::kLength),
              .roofline = Roofline(people.row_count * People::kLength),
              .thread_count = number(2),
              .round_count = number(3),
              .queries = people.queries(std::max<size_t>(number(4), 100))};
  omp_set_num_threads(static_cast<int>(bench.thread_count));
  {
    const std::vector<float> rows = people.rows();
    bench.rival.add(static_cast<faiss::Index::idx_t>(people.row_count), rows.data());
  }
  bench.ours.reserve(people.row_count);
  for (size_t row = 0; row < people.row_count; ++row) {
    const std::span values(bench.rival.get_xb() + row * People::kLength, People::kLength);
    CHECK(bench.ours.add(values).has_value());
  }
  const double equal_share = bench.agreement();
  for (const size_t batch : {size_t{1}, size_t{32}}) bench.time(batch, equal_share);
}
