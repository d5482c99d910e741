#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <c10/core/CPUAllocator.h>
#include <gtest/gtest.h>
#include <torch/version.h>

#include "crops/crop_file.h"
#include "support/test_data.h"
#include "train/device.h"
#include "train/synthetic_crops_test_support.h"
#include "train/trainer.h"

namespace faceforge::train {
namespace {

/// LibTorch's allocator with a limit. What would go beyond it is asked of the allocator as more
/// than any machine has: the error is LibTorch's own. (A limit of the operating system will not do:
/// under one, oneDNN 2.6 ends the program while it generates code.)
class LimitedMemory final : public c10::Allocator {
 public:
  static LimitedMemory& instance() {
    static auto* const memory = new LimitedMemory;  // LibTorch may free with it to the very end
    return *memory;
  }

#if TORCH_VERSION_MAJOR >= 2
  c10::DataPtr allocate(size_t bytes) override {
    return counted(bytes);
  }
  void copy_data(void* into, const void* from, size_t bytes) const override {
    default_copy_data(into, from, bytes);
  }
#else
  c10::DataPtr allocate(size_t bytes) const override {
    return instance().counted(bytes);
  }
#endif
  [[nodiscard]] c10::DeleterFnPtr raw_deleter() const override {
    return &give_back;
  }

  /// The most that was in use at a time since this was asked last.
  size_t take_peak() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(peak_bytes_, used_bytes_);
  }

  void set_limit(size_t bytes) {
    limit_bytes_ = bytes;
  }

 private:
  LimitedMemory() = default;

  c10::DataPtr counted(size_t bytes) {
    const std::scoped_lock lock(mutex_);
    const bool fits = used_bytes_ + bytes <= limit_bytes_;
    void* const block = under_.raw_allocate(fits ? bytes : SIZE_MAX / 4);
    if (block != nullptr) sizes_[block] = bytes;
    used_bytes_ += bytes;
    peak_bytes_ = std::max(peak_bytes_, used_bytes_);
    return {block, block, &give_back, c10::Device(c10::DeviceType::CPU)};
  }

  static void give_back(void* block) {
    LimitedMemory& memory = instance();
    const std::scoped_lock lock(memory.mutex_);
    if (const auto found = memory.sizes_.find(block); found != memory.sizes_.end()) {
      memory.used_bytes_ -= found->second;
      memory.sizes_.erase(found);
    }
    memory.under_.raw_deallocate(block);
  }

  c10::Allocator& under_ = *c10::GetDefaultCPUAllocator();
  std::mutex mutex_;
  std::unordered_map<void*, size_t> sizes_;
  size_t used_bytes_ = 0;
  size_t peak_bytes_ = 0;
  size_t limit_bytes_ = SIZE_MAX;
};

class OutOfMemory : public testing::Test {
 protected:
  static constexpr uint32_t kSide_px = 32;
  static constexpr uint32_t kPeople = 32;

  OutOfMemory() {
    c10::SetCPUAllocator(&memory_, 255);
    const auto path = folder_.path() / "crops.ffd";
    write_synthetic_crops(path, std::vector<size_t>(kPeople, 2), kSide_px);
    crops_.emplace(*crops::CropFile::open(path));
    for (uint32_t person = 0; person < kPeople; ++person) people_.trained.push_back(person);
  }
  ~OutOfMemory() override {
    memory_.set_limit(SIZE_MAX);
    c10::SetCPUAllocator(c10::GetDefaultCPUAllocator(), 255);
  }

  /// What the first step with batches of this many people says; empty when it is done.
  [[nodiscard]] std::string complaint(size_t people) const {
    RunSettings settings;
    settings.network = {
        .kind = NetworkKind::MobileFaceNet, .embedding_length = 16, .input_side_px = kSide_px};
    settings.batch = {.people = people, .photos_per_person = 2};
    auto trainer = Trainer::create(settings, *crops_, people_, {.device = DeviceChoice::Cpu});
    if (!trainer) return trainer.error().reason + ": " + trainer.error().message;
    const auto step = trainer->step();
    return step ? "" : step.error().reason + ": " + step.error().message;
  }

  /// What a step needs, weights and all.
  [[nodiscard]] size_t bytes_for(size_t people) {
    static_cast<void>(memory_.take_peak());
    EXPECT_EQ(complaint(people), "");
    return memory_.take_peak();
  }

  LimitedMemory& memory_ = LimitedMemory::instance();
  test::TemporaryFolder folder_;
  std::optional<crops::CropFile> crops_;
  People people_;
};

TEST_F(OutOfMemory, SaysWhichBatchFitsAndThatOneDoes) {
  const size_t eight_bytes = bytes_for(8);
  ASSERT_GT(bytes_for(16), eight_bytes + eight_bytes / 4);
  memory_.set_limit(eight_bytes + eight_bytes / 8);
  EXPECT_EQ(complaint(32),
            "out_of_memory: a batch of 32 people with 2 photos does not fit into memory; one of 8 "
            "people does (--people-per-batch 8)");
  EXPECT_EQ(complaint(8), "");
}

TEST_F(OutOfMemory, SaysThatNoneFits) {
  memory_.set_limit(bytes_for(2) - (size_t{256} << 10));
  const char* const told =
      "does not fit into memory, nor does any smaller one: choose fewer photos of each, a smaller "
      "network or a smaller input";
  EXPECT_EQ(complaint(5), std::string("out_of_memory: a batch of 5 people with 2 photos ") + told);
  EXPECT_EQ(complaint(2), std::string("out_of_memory: a batch of 2 people with 2 photos ") + told);
}

TEST_F(OutOfMemory, OfWeightsAloneIsToldToo) {
  memory_.set_limit(0);
  EXPECT_EQ(complaint(2).find("out_of_memory: "), 0U);
}

TEST(OutOfMemoryWords, AreThoseOfEveryLibraryBelow) {
  for (const char* const words :
       {"CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 139.00 GiB total capacity)",
        "CUDA error: out of memory", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling x",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "[enforce fail at alloc_cpu.cpp:75] err == 0. DefaultCPUAllocator: can't allocate memory: "
        "you tried to allocate 8589934592 bytes. Error code 12 (Cannot allocate memory)"}) {
    EXPECT_TRUE(is_out_of_memory(words)) << words;
  }
  EXPECT_FALSE(is_out_of_memory("CUDA error: an illegal memory access was encountered"));
}

}  // namespace
}  // namespace faceforge::train
