#include <algorithm>
#include <optional>

#include <gtest/gtest.h>

#include "packs/card.h"
#include "packs/internal/card_test_cards.h"

namespace faceforge::packs {
namespace {

using namespace test;

TEST(Rank, PutsPermissiveLicencesBeforeAccuracyAndMeasuredBeforeUnmeasured) {
  const auto card = [](const char* id, LicenceKind kind, std::optional<double> accuracy) {
    Card made{.id = id};
    made.licence.kind = kind;
    if (accuracy) made.measured_accuracy = MeasuredAccuracy{.accuracy = *accuracy};
    return made;
  };
  const Card free_good = card("a", LicenceKind::Permissive, 0.99);
  const Card free_poor = card("b", LicenceKind::Permissive, 0.98);
  const Card free_unknown = card("c", LicenceKind::Permissive, std::nullopt);
  const Card bound_best = card("d", LicenceKind::NonCommercial, 0.999);
  const Card bound_twin = card("e", LicenceKind::NonCommercial, 0.999);
  EXPECT_TRUE(preferred(free_good, free_poor));
  EXPECT_TRUE(preferred(free_poor, free_unknown));
  EXPECT_TRUE(preferred(free_unknown, bound_best));
  EXPECT_TRUE(preferred(bound_best, bound_twin));
  EXPECT_FALSE(preferred(bound_twin, bound_best));
  EXPECT_FALSE(preferred(free_good, free_good));
}

/// A quantized child of a pack of accuracy 0.99.
Card child(const char* id, double mean_cosine, std::optional<double> own_accuracy = std::nullopt) {
  Card made{.id = id};
  made.licence.kind = LicenceKind::Permissive;
  made.quantization =
      Quantization{.parent_accuracy = MeasuredAccuracy{.protocol = "lfw-view2", .accuracy = 0.99},
                   .mean_cosine = mean_cosine};
  if (own_accuracy) {
    made.measured_accuracy = MeasuredAccuracy{.protocol = "lfw-view2", .accuracy = *own_accuracy};
  }
  return made;
}

TEST(Rank, PutsAQuantizedPackBeforeItsParentWhereItIsFasterAndNearEnough) {
  Card parent{.id = "parent"};
  parent.licence.kind = LicenceKind::Permissive;
  parent.measured_accuracy = MeasuredAccuracy{.protocol = "lfw-view2", .accuracy = 0.99};
  Card better = parent, worse = parent;
  better.measured_accuracy->accuracy = 0.992;
  worse.measured_accuracy->accuracy = 0.98;
  using enum ByteArithmetic;
  for (const Card& near :
       {child("near", 0.99), child("near", 0.999, 0.989), child("near", 0.999, 0.995)}) {
    EXPECT_TRUE(preferred(near, parent, Fast));
    EXPECT_FALSE(preferred(near, parent, Slow)) << "it is no faster there";
    EXPECT_TRUE(preferred(parent, near, Slow));
    for (const auto arithmetic : {Fast, Slow}) {
      EXPECT_TRUE(preferred(better, near, arithmetic)) << "a better pack stays the better one";
      EXPECT_TRUE(preferred(near, worse, arithmetic));
    }
  }
  for (const Card& far : {child("far", 0.9899), child("far", 0.999, 0.9889)}) {
    for (const auto arithmetic : {Fast, Slow}) {
      EXPECT_TRUE(preferred(parent, far, arithmetic));
      EXPECT_FALSE(preferred(far, parent, arithmetic));
    }
  }
  EXPECT_TRUE(preferred(worse, child("far", 0.999, 0.97), Fast)) << "it is what it was measured";
}

TEST(Rank, HasOneOrderForAnySet) {
  Card parent{.id = "b"};
  parent.licence.kind = LicenceKind::Permissive;
  parent.measured_accuracy = MeasuredAccuracy{.protocol = "lfw-view2", .accuracy = 0.99};
  Card unknown{.id = "c"};
  unknown.licence.kind = LicenceKind::Permissive;
  const std::vector cards{parent,
                          unknown,
                          child("d", 0.999),
                          child("a", 0.9),
                          child("e", 0.999, 0.9),
                          child("f", 0.999, 0.9895)};
  for (const auto arithmetic : {ByteArithmetic::Fast, ByteArithmetic::Slow}) {
    for (const Card& a : cards) {
      for (const Card& b : cards) {
        EXPECT_EQ(preferred(a, b, arithmetic) + preferred(b, a, arithmetic), a.id != b.id);
        for (const Card& c : cards) {
          if (!preferred(a, b, arithmetic) || !preferred(b, c, arithmetic)) continue;
          EXPECT_TRUE(preferred(a, c, arithmetic)) << a.id << b.id << c.id;
        }
      }
    }
  }
}

}  // namespace
}  // namespace faceforge::packs
