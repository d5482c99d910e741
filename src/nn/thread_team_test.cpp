#include "nn/thread_team.h"

#include <array>

#include <gtest/gtest.h>
#include <omp.h>

namespace faceforge::nn {
namespace {

cpu_set_t allowed_now() {
  cpu_set_t allowed;
  EXPECT_EQ(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
  return allowed;
}

/// The processors of all threads of a team, each of which may use one.
struct Places {
  cpu_set_t together;
  int alone = 0;  ///< threads that may use one processor
};

Places places_of_team(int thread_count) {
  Places places;
  CPU_ZERO(&places.together);
#pragma omp parallel num_threads(thread_count)
  {
    const cpu_set_t own = allowed_now();
#pragma omp critical
    {
      CPU_OR(&places.together, &places.together, &own);
      if (CPU_COUNT(&own) == 1) ++places.alone;
    }
  }
  return places;
}

TEST(ThreadPlaces, GiveEachThreadAProcessorWhereThereAreAsMany) {
  const cpu_set_t before = allowed_now();
  const int count = CPU_COUNT(&before);
  if (count < 2) GTEST_SKIP() << "one processor";
  {
    const ThreadPlaces places(count);
    const Places found = places_of_team(count);
    EXPECT_EQ(found.alone, count);
    EXPECT_TRUE(CPU_EQUAL(&found.together, &before));
  }
  const cpu_set_t after = allowed_now();
  EXPECT_TRUE(CPU_EQUAL(&after, &before)) << "the caller is free again";
}

TEST(ThreadPlaces, LeaveOtherNumbersOfThreadsAlone) {
  const cpu_set_t before = allowed_now();
  for (const int count : {1, CPU_COUNT(&before) + 1}) {
    const ThreadPlaces places(count);
    const cpu_set_t within = allowed_now();
    EXPECT_TRUE(CPU_EQUAL(&within, &before)) << count;
  }
}

TEST(ThreadCount, HoldsWithinItsScope) {
  const int before = omp_get_max_threads();
  {
    const ThreadCount three(3);
    EXPECT_EQ(omp_get_max_threads(), 3);
  }
  EXPECT_EQ(omp_get_max_threads(), before);
}

}  // namespace
}  // namespace faceforge::nn
