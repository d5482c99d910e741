#include "search/internal/graph.h"

#include <algorithm>
#include <numeric>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "search/internal/scan.h"
#include "support/face_like.h"

namespace faceforge::search::internal {
namespace {

using testing::ElementsAreArray;

constexpr size_t kLength = 128;
constexpr size_t kPeople = 500;
constexpr size_t kPhotosPerPerson = 10;
constexpr size_t kRows = kPeople * kPhotosPerPerson;
constexpr float kLeaderCosine = 0.4F;

const test::FaceLike kFaces(kLength, 1);

/// Photos of people, one person after the other, and their graph.
struct Linked {
  RowStore rows;
  Graph graph;

  explicit Linked(face::Metric metric = face::Metric::Cosine, size_t thread_count = 2)
      : rows(kLength, metric, kRows), graph(kLeaderCosine, Leaders(kRows)) {
    std::vector<uint32_t> added(kRows);
    std::iota(added.begin(), added.end(), 0U);
    for (const uint32_t row : added) {
      CHECK(rows.add(kFaces.photo(row / kPhotosPerPerson, row % kPhotosPerPerson)).has_value());
    }
    graph.link(rows, added, thread_count);
  }

  void remove(uint32_t row) {
    graph.unlink(rows, row);
    CHECK(rows.remove(row).has_value());
  }

  /// The share of the five nearest, by an exact search, that the graph finds too for new photos of
  /// the people from `first` on.
  [[nodiscard]] double recall(size_t first) const {
    size_t found = 0, wanted = 0;
    for (size_t person = first; person < kPeople; ++person) {
      const auto photo = kFaces.photo(person, kPhotosPerPerson);
      const auto near = rank(rows, photo, graph.near(rows, rows.code(photo), 20), 5);
      const auto nearest = scan(rows, photo, 5, 1).front();
      for (const Neighbour& neighbour : nearest) found += std::ranges::count(near, neighbour) > 0;
      wanted += nearest.size();
    }
    return static_cast<double>(found) / static_cast<double>(wanted);
  }

  [[nodiscard]] std::vector<uint32_t> leaders() const {
    const auto all = graph.leaders().rows().span();
    return {all.begin(), all.end()};
  }

  /// Each leader stands once, is there, and has the sketch of its row.
  void expect_leaders_are_rows() const {
    const auto all = leaders();
    EXPECT_EQ(std::set(all.begin(), all.end()).size(), all.size());
    for (size_t place = 0; place < all.size(); ++place) {
      EXPECT_TRUE(rows.is_present(all[place]));
      const std::span codes(rows.codes(all[place]), kLength);
      EXPECT_EQ(graph.leaders().sketches()[place], sketch_of(codes)) << all[place];
    }
  }
};

TEST(Graph, IsTheSameOnAnyNumberOfThreads) {
  const Linked alone(face::Metric::Cosine, 1);
  for (const size_t thread_count : {2U, 5U}) {
    const Linked together(face::Metric::Cosine, thread_count);
    EXPECT_TRUE(std::ranges::equal(together.graph.links().span(), alone.graph.links().span()));
    EXPECT_THAT(together.leaders(), ElementsAreArray(alone.leaders()));
    EXPECT_TRUE(std::ranges::equal(together.graph.leaders().sketches().span(),
                                   alone.graph.leaders().sketches().span()));
  }
}

TEST(Graph, NoLinkLeadsToARemovedRow) {
  Linked linked(face::Metric::L2);
  ASSERT_GT(std::ranges::count(linked.graph.links().span(), 77U), 0);
  linked.remove(77);
  EXPECT_EQ(std::ranges::count(linked.graph.links().span(), 77U), 0);
}

TEST(Graph, EveryPersonHasALeaderAndAllAreFoundAfterEveryLeaderWasRemoved) {
  Linked linked;
  const auto first = linked.leaders();
  EXPECT_GE(first.size(), kPeople);
  for (const uint32_t row : first) linked.remove(row);
  linked.expect_leaders_are_rows();
  std::set<uint32_t> people;
  for (const uint32_t row : linked.leaders()) people.insert(row / kPhotosPerPerson);
  EXPECT_EQ(people.size(), kPeople);
  EXPECT_LE(linked.leaders().size(), first.size());
  EXPECT_GE(linked.recall(0), 0.99);
}

TEST(Graph, WithAllPhotosOfAPersonTheirLeadersGo) {
  Linked linked;
  const size_t gone = kPeople * 4 / 5;
  const auto first = linked.leaders();
  const auto kept =
      std::ranges::count_if(first, [&](uint32_t row) { return row / kPhotosPerPerson >= gone; });
  for (uint32_t row = 0; row < gone * kPhotosPerPerson; ++row) linked.remove(row);
  linked.expect_leaders_are_rows();
  EXPECT_EQ(std::ranges::count_if(linked.leaders(),
                                  [&](uint32_t row) { return row / kPhotosPerPerson >= gone; }),
            static_cast<ptrdiff_t>(linked.leaders().size()));
  EXPECT_EQ(linked.leaders().size(), static_cast<size_t>(kept));
  EXPECT_GE(linked.recall(gone), 0.99);
}

TEST(Graph, ARowWhoseRemovalWasCutOffLeadsOnceWhenItsNumberIsGivenOutAgain) {
  Linked linked;
  const uint32_t leader = linked.leaders().front();
  ASSERT_TRUE(linked.rows.remove(leader));  // and not taken out of the graph
  const auto again = linked.rows.add(kFaces.photo(kPeople, 0));
  ASSERT_EQ(again, leader);
  linked.graph.link(linked.rows, std::span(&leader, 1), 1);
  linked.expect_leaders_are_rows();
  EXPECT_TRUE(linked.graph.leaders().contains(leader));
}

TEST(Graph, HasFewLeadersWhereTheListIsFullOrFewOfManyRowsLead) {
  const auto with_leaders = [](uint32_t count, size_t limit) {
    Leaders leaders(limit);
    for (uint32_t row = 0; row < count; ++row) leaders.add(row, {});
    return Graph(kLeaderCosine, std::move(leaders));
  };
  EXPECT_TRUE(with_leaders(31, 1'000).has_few_leaders(100));
  EXPECT_FALSE(with_leaders(32, 1'000).has_few_leaders(100));
  EXPECT_TRUE(with_leaders(99, 1'000).has_few_leaders(25'600));
  EXPECT_FALSE(with_leaders(100, 1'000).has_few_leaders(25'600));
  EXPECT_TRUE(with_leaders(1'000, 1'000).has_few_leaders(1'000));
}

}  // namespace
}  // namespace faceforge::search::internal
