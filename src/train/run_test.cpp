#include "train/run.h"

#include <algorithm>
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/file_lock.h"
#include "base/sha256.h"
#include "support/test_data.h"
#include "train/checkpoint.h"
#include "train/synthetic_crops_test_support.h"
#include "train/tensor_file.h"

// Whole runs, of the smallest network on small patterns in place of faces.
namespace faceforge::train {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class RunTest : public testing::Test {
 protected:
  static constexpr uint32_t kSide_px = 32;

  RunTest() {
    write_synthetic_crops(path("crops.ffd"), std::vector<size_t>(12, 5), kSide_px);
    write_synthetic_list(path("train.txt"), 0, 8);
    write_synthetic_list(path("test.txt"), 8, 12);
  }

  [[nodiscard]] fs::path path(const std::string& name) const { return folder_.path() / name; }

  [[nodiscard]] RunSettings settings(uint64_t step_count) const {
    RunSettings made;
    made.data = path("crops.ffd");
    made.people = path("train.txt");
    made.network = {
        .kind = NetworkKind::MobileFaceNet, .embedding_length = 16, .input_side_px = kSide_px};
    made.loss.mining = Mining::All;
    made.optimizer.warm_up_steps = 2;
    made.batch = {.people = 4, .photos_per_person = 2};
    made.step_count = step_count;
    made.checkpoint_every = 3;
    return made;
  }

  [[nodiscard]] RunOptions options(const std::string& name) const {
    return {.folder = path(name), .compute = {.device = DeviceChoice::Cpu}};
  }

  /// All that the steps of a run left behind: weights, moments, averages, history.
  [[nodiscard]] std::vector<std::byte> numbers_of(const std::string& name) const {
    const auto file = TensorFile::read(path(name) / kCheckpointFile);
    EXPECT_TRUE(file) << file.error().message;
    std::vector<std::byte> numbers;
    for (const StoredTensor& tensor : file->tensors()) {
      numbers.insert(numbers.end(), tensor.bytes.begin(), tensor.bytes.end());
    }
    return numbers;
  }

  test::TemporaryFolder folder_;
};

/// The numbers of a checkpoint's tensor.
std::vector<float> floats_of(const TensorFile& file, const std::string& name) {
  const StoredTensor* tensor = file.find(name);
  EXPECT_NE(tensor, nullptr) << name;
  if (tensor == nullptr) return {};
  std::vector<float> numbers(tensor->bytes.size() / sizeof(float));
  std::memcpy(numbers.data(), tensor->bytes.data(), tensor->bytes.size());
  return numbers;
}

/// Stops a run after some steps, as Ctrl-C does.
struct StopAfter {
  explicit StopAfter(RunOptions& options, uint64_t step_count) {
    options.stop = source.get_token();
    options.report = [this, step_count](const Progress& progress) {
      if (progress.step == step_count) source.request_stop();
    };
  }
  std::stop_source source;
};

TEST_F(RunTest, AResumedRunIsToTheLastBitTheUnbrokenOne) {
  for (const OptimizerKind kind : {OptimizerKind::AdamW, OptimizerKind::Sgd}) {
    RunSettings asked = settings(7);
    asked.optimizer.kind = kind;
    asked.optimizer.ema_decay = 0.9;
    asked.loss.kind = kind == OptimizerKind::Sgd ? LossKind::ArcFace : LossKind::Triplet;
    asked.network.neck = Neck::BatchNorm;
    const std::string whole = std::string("whole ") + std::string(to_string(kind));
    const std::string broken = std::string("broken ") + std::string(to_string(kind));
    ASSERT_TRUE(start_run(asked, options(whole)));

    RunOptions interrupted = options(broken);
    const StopAfter stop(interrupted, 4);
    const auto stopped = start_run(asked, interrupted);
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
    EXPECT_THAT(stopped.error().message, HasSubstr("after 4 of 7 steps"));
    const auto resumed = resume_run(options(broken));
    ASSERT_TRUE(resumed) << resumed.error().message;
    EXPECT_EQ(resumed->steps_done, 7u);
    EXPECT_EQ(numbers_of(broken), numbers_of(whole));
  }
}

TEST_F(RunTest, AnotherSeedIsAnotherRun) {
  RunSettings asked = settings(2);
  ASSERT_TRUE(start_run(asked, options("one")));
  asked.seed = 2;
  ASSERT_TRUE(start_run(asked, options("two")));
  EXPECT_NE(numbers_of("one"), numbers_of("two"));
}

TEST_F(RunTest, ThirtyTwoPhotosAreLearntByHeart) {
  write_synthetic_crops(path("few.ffd"), std::vector<size_t>(8, 4), kSide_px);
  RunSettings asked = settings(120);
  asked.data = path("few.ffd");
  asked.batch = {.people = 8, .photos_per_person = 4};
  asked.augmentation = {0, 0, 0, 0, 0, 0};
  asked.checkpoint_every = 1000;
  asked.loss.mining = Mining::Hard;
  double last = 1;
  RunOptions run = options("few");
  run.report = [&](const Progress& progress) { last = progress.loss; };
  ASSERT_TRUE(start_run(asked, run));
  EXPECT_LT(last, 0.01);
}

TEST_F(RunTest, HeldOutPeopleAreMeasuredBeforeAndAfterBesideRawPixels) {
  RunSettings asked = settings(3);
  asked.held_out_people = path("test.txt");
  asked.evaluate_every = 2;
  const auto record = start_run(asked, options("measured"));
  ASSERT_TRUE(record) << record.error().message;
  ASSERT_EQ(record->measurements.size(), 3u);
  EXPECT_EQ(record->measurements[1].step, 2u);
  EXPECT_EQ(record->measurements[2].step, 3u);
  const Separation& last = record->measurements.back().separation;
  EXPECT_EQ(last.crop_count, 20u);
  EXPECT_EQ(last.person_count, 4u);
  EXPECT_EQ(last.genuine_pair_count, 4u * 10);
  EXPECT_EQ(last.impostor_pair_count, 190u - 40);
  ASSERT_TRUE(record->raw_pixels);
  EXPECT_GT(record->raw_pixels->auc, 0.5) << "patterns of one person are alike";

  const auto text = read_text_file(path("measured") / kRunFile, 1 << 20);
  const auto read = record_from_json(json::parse(*text)->get_object());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(json::to_text(to_json(read->settings)), json::to_text(to_json(record->settings)));
  ASSERT_EQ(read->measurements.size(), 3u);
  // Boost.JSON may read a number's last bit otherwise than it was written.
  EXPECT_DOUBLE_EQ(read->measurements[0].separation.auc, record->measurements[0].separation.auc);
  EXPECT_DOUBLE_EQ(read->measurements[2].separation.auc, last.auc);
  EXPECT_THAT(*read_text_file(path("measured") / kReportFile, 1 << 20), HasSubstr("after 3 steps"));
}

TEST_F(RunTest, PeopleInBothListsAreRefused) {
  write_synthetic_list(path("overlapping.txt"), 7, 12);
  RunSettings asked = settings(3);
  asked.held_out_people = path("overlapping.txt");
  const auto record = start_run(asked, options("overlap"));
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().reason, "people_overlap");
  EXPECT_FALSE(fs::exists(path("overlap")));
}

TEST_F(RunTest, HeldOutPeopleOfWhomNoPairCanBeMadeAreRefused) {
  write_synthetic_crops(path("crops.ffd"), {5, 5, 5, 5, 5, 5, 5, 5, 1, 1}, kSide_px);
  write_synthetic_list(path("test.txt"), 8, 10);
  RunSettings asked = settings(3);
  asked.held_out_people = path("test.txt");
  const auto record = start_run(asked, options("single"));
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().reason, "too_few_held_out");
}

TEST_F(RunTest, ARunThatIsThereIsNotOverwritten) {
  ASSERT_TRUE(start_run(settings(1), options("run")));
  const auto again = start_run(settings(1), options("run"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason, "run_exists");
}

TEST_F(RunTest, OneProcessAtATimeTrainsInAFolder) {
  ASSERT_TRUE(start_run(settings(2), options("run")));
  const auto other = FileLock::try_take(path("run") / ".lock");
  ASSERT_TRUE(other && *other);
  const auto refused = resume_run(options("run"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "run_in_progress");
}

TEST_F(RunTest, DamagedPixelsAreFoundBeforeTheFirstStep) {
  auto bytes = *read_file(path("crops.ffd"), size_t{1} << 24);
  bytes[4096 + 50] ^= std::byte{1};
  ASSERT_TRUE(write_file_atomically(path("crops.ffd"), bytes));
  size_t told = 0;
  RunOptions run = options("damaged");
  run.checking = [&](size_t, size_t) { ++told; };
  const auto refused = start_run(settings(2), run);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "crop_file_damaged");
  EXPECT_GT(told, 0U);
  EXPECT_FALSE(fs::exists(path("damaged")));
}

TEST_F(RunTest, DamagedPixelsAreFoundBeforeARunGoesOn) {
  ASSERT_TRUE(start_run(settings(1), options("run")));
  auto bytes = *read_file(path("crops.ffd"), size_t{1} << 24);
  bytes[4096 + 50] ^= std::byte{1};
  ASSERT_TRUE(write_file_atomically(path("crops.ffd"), bytes));
  const auto refused = resume_run(options("run"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "crop_file_damaged");
}

TEST_F(RunTest, ThereMustBeARunToGoOnWith) {
  const auto resumed = resume_run(options("nothing"));
  ASSERT_FALSE(resumed);
  EXPECT_EQ(resumed.error().reason, "no_run");
}

TEST_F(RunTest, OtherCropsThanThoseItBeganWithEndIt) {
  ASSERT_TRUE(start_run(settings(1), options("run")));
  write_synthetic_crops(path("crops.ffd"), std::vector<size_t>(12, 4), kSide_px);
  const auto resumed = resume_run(options("run"));
  ASSERT_FALSE(resumed);
  EXPECT_EQ(resumed.error().reason, "data_changed");
}

TEST_F(RunTest, ARunThatEndedBeforeItsFirstCheckpointBeginsAgain) {
  ASSERT_TRUE(start_run(settings(2), options("run")));
  const auto whole = numbers_of("run");
  fs::remove(path("run") / kCheckpointFile);
  ASSERT_TRUE(resume_run(options("run")));
  EXPECT_EQ(numbers_of("run"), whole);
}

TEST_F(RunTest, ADamagedCheckpointIsNamedAndNotUsed) {
  ASSERT_TRUE(start_run(settings(1), options("run")));
  const fs::path checkpoint = path("run") / kCheckpointFile;
  auto bytes = *read_file(checkpoint, size_t{1} << 30);
  bytes[bytes.size() / 2] ^= std::byte{1};
  ASSERT_TRUE(write_file_atomically(checkpoint, bytes));
  const auto resumed = resume_run(options("run"));
  ASSERT_FALSE(resumed);
  EXPECT_EQ(resumed.error().reason, "tensor_file_damaged");
}

TEST_F(RunTest, AFileOfWeightsIsNoCheckpoint) {
  ASSERT_TRUE(start_run(settings(1), options("run")));
  ASSERT_TRUE(write_tensor_file(path("run") / kCheckpointFile, {}, {}));
  const auto resumed = resume_run(options("run"));
  ASSERT_FALSE(resumed);
  EXPECT_EQ(resumed.error().reason, "not_a_checkpoint");
}

TEST_F(RunTest, ACheckpointsWeightsBeginAnotherRun) {
  RunSettings asked = settings(3);
  asked.held_out_people = path("test.txt");
  asked.optimizer.ema_decay = 0.5;
  const auto first = start_run(asked, options("first"));
  ASSERT_TRUE(first);
  asked.initial_weights = path("first") / kCheckpointFile;
  asked.step_count = 1;
  asked.seed = 9;
  const auto second = start_run(asked, options("second"));
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->measurements.front().separation.auc, first->measurements.back().separation.auc);
  EXPECT_EQ(second->initial_weights_sha256, to_hex(*sha256_file(asked.initial_weights)));
  EXPECT_EQ(first->initial_weights_sha256, "");
  const auto resumed = resume_run(options("second"));
  ASSERT_TRUE(resumed) << resumed.error().message;
  EXPECT_EQ(resumed->initial_weights_sha256, second->initial_weights_sha256);
}

TEST_F(RunTest, TheAveragesFollowTheWeightsQuicklyAtFirst) {
  RunSettings asked = settings(4);
  asked.optimizer.ema_decay = 0.3;
  asked.checkpoint_every = 1;
  constexpr const char* kName = "backbone.layers.0.0.weight";
  std::vector<std::vector<float>> weights, averages;
  const auto look = [&] {
    const auto file = TensorFile::read(path("averaged") / kCheckpointFile);
    ASSERT_TRUE(file) << file.error().message;
    weights.push_back(floats_of(*file, std::string(kNetworkPrefix) + kName));
    averages.push_back(floats_of(*file, std::string(kAveragePrefix) + kName));
  };
  RunOptions run = options("averaged");
  run.report = [&](const Progress&) { look(); };  // at the checkpoint of the step before
  ASSERT_TRUE(start_run(asked, run));
  look();
  ASSERT_EQ(weights.size(), 5U);
  EXPECT_EQ(averages[0], weights[0]) << "before the first step";
  for (size_t step = 1; step < weights.size(); ++step) {
    const auto t = static_cast<double>(step);
    const double decay = std::min(0.3, (1 + t) / (10 + t));  // 2/11, 3/12, 4/13, then 0.3
    ASSERT_FALSE(weights[step].empty());
    for (size_t i = 0; i < weights[step].size(); i += 7) {
      const double expected = decay * averages[step - 1][i] + (1 - decay) * weights[step][i];
      ASSERT_NEAR(averages[step][i], expected, 1e-6) << "step " << step;
    }
  }
}

TEST_F(RunTest, InBfloat16ARunLearnsAndSaysSo) {
  write_synthetic_crops(path("few.ffd"), std::vector<size_t>(4, 2), kSide_px);
  write_synthetic_list(path("few.txt"), 0, 4);
  RunSettings asked = settings(8);
  asked.data = path("few.ffd");
  asked.people = path("few.txt");
  asked.network.neck = Neck::BatchNorm;
  asked.augmentation = {0, 0, 0, 0, 0, 0};
  asked.checkpoint_every = 1000;
  const auto first_loss = [&](Precision precision, const std::string& name) {
    RunOptions run = options(name);
    run.compute.precision = precision;
    double first = 0, last = 0;
    run.report = [&](const Progress& progress) {
      if (progress.step == 1) first = progress.loss;
      last = progress.loss;
    };
    const auto record = start_run(asked, run);
    EXPECT_TRUE(record) << record.error().message;
    EXPECT_EQ(record->device.ends_with(", bf16"), precision == Precision::BFloat16);
    EXPECT_LT(last, first) << name;
    return first;
  };
  const double in_floats = first_loss(Precision::Float, "floats");
  const double in_bfloat16 = first_loss(Precision::BFloat16, "bf16");
  EXPECT_NE(in_bfloat16, in_floats);
  EXPECT_NEAR(in_bfloat16, in_floats, 0.05 * in_floats) << "8 bits of each number";
}

TEST_F(RunTest, WeightsOfAnotherNetworkAreRefusedByName) {
  ASSERT_TRUE(start_run(settings(1), options("first")));
  RunSettings asked = settings(1);
  asked.network.embedding_length = 8;
  asked.initial_weights = path("first") / kCheckpointFile;
  const auto second = start_run(asked, options("second"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, "weights_do_not_fit");
  EXPECT_THAT(second.error().message, HasSubstr("[16, 512, 1, 1]"));
}

TEST_F(RunTest, ALossThatIsNoNumberStopsWithTheBatchAndTheCheckpointStays) {
  RunSettings asked = settings(400);
  asked.optimizer = {.kind = OptimizerKind::Sgd,
                     .learning_rate = 10,
                     .weight_decay = 1,  // times a rate of 10: weights grow ninefold a step
                     .momentum = 1,
                     .warm_up_steps = 0,
                     .max_gradient_norm = 0};
  asked.checkpoint_every = 1;
  const auto record = start_run(asked, options("diverged"));
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().reason, "loss_not_finite");
  EXPECT_THAT(record.error().message, testing::ContainsRegex("crops [0-9]+( [0-9]+){7};"));
  const auto file = TensorFile::read(path("diverged") / kCheckpointFile);
  ASSERT_TRUE(file);
}

TEST_F(RunTest, AGpuThatIsNotThereIsSaid) {
  RunOptions run = options("gpu");
  run.compute.device = DeviceChoice::Cuda;
  const auto record = start_run(settings(1), run);
  if (record) GTEST_SKIP() << "there is a GPU";
  EXPECT_EQ(record.error().reason, "no_cuda");
}

TEST_F(RunTest, ItsFolderIsItsOwnersAlone) {
  ASSERT_TRUE(start_run(settings(1), options("run")));
  EXPECT_EQ(fs::status(path("run")).permissions() & fs::perms::others_all, fs::perms::none);
}

/// How many people's batches are tried until one has at most `room` people, or none is smaller.
std::vector<size_t> tried_from(size_t too_many, size_t fewest, size_t room) {
  std::vector<size_t> tried;
  const auto found = people_that_fit(too_many, fewest, [&](size_t people) {
    tried.push_back(people);
    return people <= room;
  });
  EXPECT_EQ(found.has_value(), !tried.empty() && tried.back() <= room);
  EXPECT_EQ(found.value_or(0), found ? tried.back() : 0);
  return tried;
}

TEST(PeopleThatFit, AreFoundByHalvingDownToTheFewest) {
  using Tried = std::vector<size_t>;
  EXPECT_EQ(tried_from(48, 2, 7), (Tried{24, 12, 6}));
  EXPECT_EQ(tried_from(48, 2, 0), (Tried{24, 12, 6, 3, 2}));
  EXPECT_EQ(tried_from(3, 2, 2), Tried{2});
  EXPECT_EQ(tried_from(3, 1, 0), Tried{1});
  EXPECT_EQ(tried_from(2, 2, 2), Tried{}) << "two people are the fewest that make a batch";
}

}  // namespace
}  // namespace faceforge::train
