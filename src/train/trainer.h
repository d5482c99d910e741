#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "crops/crop_file.h"
#include "train/separation.h"
#include "train/settings.h"

namespace faceforge::train {

enum class DeviceChoice { Auto, Cpu, Cuda };

/// A process's place among those of one machine that train a network together. Each takes its share
/// of every batch's people; the one of rank 0 measures and writes.
struct ProcessPlace {
  int rank = 0;
  int count = 1;
  std::filesystem::path rendezvous =
      {};  ///< a file by which they find each other: the same for all
};

/// What convolutions and products take; weights, norms, losses and the optimizer have floats
/// always.
enum class Precision { Auto, Float, BFloat16 };  ///< Auto: BFloat16 on a GPU, Float on a CPU

/// Where to compute. None of it changes what is computed but for rounding.
struct Compute {
  DeviceChoice device = DeviceChoice::Auto;
  Precision precision = Precision::Auto;
  int thread_count = 0;  ///< of the CPU; 0: as many as LibTorch finds
  ProcessPlace place = {};
};

/// Whom a run learns from and whom it is measured on: indices of the file's people.
struct People {
  std::vector<uint32_t> trained;
  std::vector<uint32_t> held_out;  ///< empty: nothing is measured
};

inline constexpr size_t kMaxHeldOutCrops = 20'000;

/// What one step did.
struct StepResult {
  double loss = 0;
  double active_share = 0;   ///< of the candidates: triplets, pairs or photos that still teach
  double gradient_norm = 0;  ///< before it was shortened
  double learning_rate = 0;
};

/// A network in training: weights, optimizer and what happened so far. LibTorch stays behind it.
class Trainer {
 public:
  /// in:    `crops` outlives it; `settings` passed check_settings
  /// fails: as Sampler::create, load_initial_weights and ProcessGroup::join; unsupported/no_cuda
  ///        where a GPU is asked for that LibTorch cannot use; invalid_input/people_per_process for
  ///        a batch that cannot be divided; too_large/too_many_held_out_crops;
  ///        invalid_input/too_few_held_out for people of whom no two photos can be compared
  [[nodiscard]] static Result<Trainer> create(const RunSettings& settings,
                                              const crops::CropFile& crops, const People& people,
                                              const Compute& compute);

  /// Takes the next batch and changes the weights once. Of several processes, each embeds the
  /// pictures of its share of the people, the loss is that of all embeddings (so that triplets are
  /// mined among all), and batch norms and gradients are summed over all: the weights stay the same
  /// everywhere, and are those that one process would come to.
  ///
  /// fails: internal/loss_not_finite, naming the step and the batch's crops: the weights are
  ///        unchanged; exhausted/out_of_memory, naming the batch that would fit
  [[nodiscard]] Result<StepResult> step();

  /// Compares all pairs of the held-out people's crops: as the network (its averaged weights where
  /// there are any) embeds them.
  ///
  /// fails: exhausted/out_of_memory
  [[nodiscard]] Result<Separation> measure();

  /// The same with pixels in place of embeddings: a crop at the network's size, less its mean.
  [[nodiscard]] Result<Separation> measure_raw_pixels();

  /// Writes all of its state, in one step. Fails as write_tensor_file.
  [[nodiscard]] Result<void> save(const std::filesystem::path& path) const;

  /// Goes back to a state that `save` wrote with the same settings.
  ///
  /// fails: as TensorFile::read and load_tensors; invalid_input/not_a_checkpoint;
  ///        conflict/other_settings, of what is learnt and how
  [[nodiscard]] Result<void> restore(const std::filesystem::path& path);

  /// Whether any of the processes says so; all of them ask at the same time.
  [[nodiscard]] Result<bool> any_process(bool here);

  [[nodiscard]] uint64_t step_count() const;
  [[nodiscard]] uint64_t steps_per_epoch() const;
  [[nodiscard]] size_t trained_crop_count() const;
  [[nodiscard]] size_t trained_person_count() const;
  [[nodiscard]] int64_t parameter_count() const;

  /// What each step so far did: the curves.
  [[nodiscard]] std::vector<StepResult> history() const;

  /// `cpu, 2 threads`, `cpu, 1 threads x 2 processes` or `cuda:0, bf16`.
  [[nodiscard]] std::string device_text() const;

  ~Trainer();
  Trainer(Trainer&&) noexcept;
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;
  Trainer& operator=(Trainer&&) = delete;

 private:
  struct State;
  explicit Trainer(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

/// LibTorch's version, as run.json names it.
[[nodiscard]] std::string torch_version();

/// People of whom a batch fits into memory, found by halving: what only just fits today may not
/// tomorrow.
///
/// in:  `too_many`, and the fewest that make a batch
/// out: nothing when not even the fewest fit
[[nodiscard]] std::optional<size_t> people_that_fit(size_t too_many, size_t fewest,
                                                    const std::function<bool(size_t)>& fits);

}  // namespace faceforge::train
