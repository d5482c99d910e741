#include "nn/batch.h"

#include <gtest/gtest.h>

#include "nn/onnx_import.h"
#include "nn/passes.h"
#include "nn/writer.h"

namespace faceforge::nn {
namespace {

Graph graph_of(const GraphBuilder& builder) {
  ByteBudget budget(size_t{1} << 20);
  Graph graph = import_onnx(builder.serialize().value(), {}, budget).value();
  EXPECT_TRUE(simplify(graph, {}, budget));
  return graph;
}

bool keeps_apart(const GraphBuilder& builder, const Shape& picture) {
  return keeps_pictures_apart(graph_of(builder), picture, {});
}

GraphBuilder pictures_of(int64_t channels) {
  GraphBuilder builder("pictures");
  builder.add_input({"x", {-1, channels, 4, 4}}).add_output({"y", {}});
  return builder;
}

TEST(PicturesApart, AreKeptByWhatAnEmbedderIsMadeOf) {
  GraphBuilder builder = pictures_of(2);
  builder.add_initializer("w", Tensor{{3, 2, 3, 3}, std::vector<float>(54, 0.1F)})
      .add_initializer("slope", Tensor{{3, 1, 1}, {0.1F, 0.2F, 0.3F}})
      .add_initializer("matrix", Tensor{{5, 12}, std::vector<float>(60, 0.2F)})
      .add_initializer("bias", Tensor{{5}, std::vector<float>(5, 1)})
      .add_node({"Conv", {"x", "w"}, {"a"}, {}})
      .add_node({"PRelu", {"a", "slope"}, {"b"}, {}})
      .add_node({"Add", {"a", "b"}, {"c"}, {}})
      .add_node({"Flatten", {"c"}, {"d"}, {}})
      .add_node({"Gemm", {"d", "matrix", "bias"}, {"y"}, {{"transB", int64_t{1}}}});
  EXPECT_TRUE(keeps_apart(builder, {1, 2, 4, 4}));
}

TEST(PicturesApart, AreNotKeptBySumsOverTheBatch) {
  GraphBuilder builder = pictures_of(2);
  builder
      .add_node({"ReduceMean",
                 {"x"},
                 {"mean"},
                 {{"axes", std::vector<int64_t>{0}}, {"keepdims", int64_t{1}}}})
      .add_node({"Sub", {"x", "mean"}, {"y"}, {}});
  EXPECT_FALSE(keeps_apart(builder, {1, 2, 4, 4}));
}

TEST(PicturesApart, AreNotKeptByASoftmaxOverTheBatch) {
  for (const int64_t axis : {0, 1}) {
    GraphBuilder builder = pictures_of(2);
    builder.add_node({"Softmax", {"x"}, {"y"}, {{"axis", axis}}});
    EXPECT_EQ(keeps_apart(builder, {1, 2, 4, 4}), axis == 1);
  }
}

TEST(PicturesApart, AreNotKeptByShapesThatHoldTheBatchElsewhere) {
  // [N, 2, 4, 4] to [2, N, 4, 4] and to [N, 32]: the first only looks like one picture's where N
  // is 1.
  for (const bool mixes : {true, false}) {
    GraphBuilder builder = pictures_of(2);
    builder
        .add_initializer("shape",
                         mixes ? IntegerTensor{{4}, {2, -1, 4, 4}} : IntegerTensor{{2}, {-1, 32}})
        .add_node({"Reshape", {"x", "shape"}, {"y"}, {}});
    EXPECT_EQ(keeps_apart(builder, {1, 2, 4, 4}), !mixes);
  }
  GraphBuilder builder = pictures_of(2);
  builder.add_node({"Transpose", {"x"}, {"y"}, {{"perm", std::vector<int64_t>{1, 0, 2, 3}}}});
  EXPECT_FALSE(keeps_apart(builder, {1, 2, 4, 4}));
}

TEST(PicturesApart, AreNotKeptWhereAConstantHasARowForEach) {
  GraphBuilder builder = pictures_of(2);
  builder.add_initializer("rows", Tensor{{2, 1, 1, 1}, {1, 2}})
      .add_node({"Add", {"x", "rows"}, {"y"}, {}});
  EXPECT_FALSE(keeps_apart(builder, {1, 2, 4, 4}));
}

/// Every picture of a batch is in one part, in order.
void expect_all_shared(size_t picture_count, size_t thread_count, size_t weight_bytes,
                       size_t most_at_once) {
  const BatchShares shares = share_batch(picture_count, thread_count, weight_bytes);
  EXPECT_EQ(shares.pictures_each * thread_count + shares.left_over, picture_count);
  EXPECT_LT(shares.left_over, thread_count);
  size_t next = 0;
  for (size_t index = 0; index < shares.parts_each; ++index) {
    const auto part = shares.part(index);
    EXPECT_EQ(part.first, next);
    EXPECT_GE(part.count, 1U);
    EXPECT_LE(part.count, most_at_once);
    EXPECT_LE(shares.part(0).count - part.count, 1U) << "two programs do";
    next += part.count;
  }
  EXPECT_EQ(next, shares.pictures_each);
}

TEST(BatchShares, HoldEveryPictureOnce) {
  for (size_t pictures = 1; pictures <= 33; ++pictures) {
    for (size_t threads = 1; threads <= 5; ++threads) {
      expect_all_shared(pictures, threads, 3 << 20, 1);
      expect_all_shared(pictures, threads, 43 << 20, 3);
      expect_all_shared(pictures, threads, 174 << 20, 4);
    }
  }
}

}  // namespace
}  // namespace faceforge::nn
