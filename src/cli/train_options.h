#pragma once

#include <cstdint>
#include <string>

#include <CLI/App.hpp>

namespace faceforge::cli {

/// The options of `train`. `faceforge` knows them too, so that its help, its completion and its
/// errors are the same with and without LibTorch; only `faceforge-lab` acts on them.
struct TrainOptions {
  std::string data;
  std::string people;
  std::string held_out;
  std::string output;
  bool resume = false;
  std::string network = "resnet50";
  int64_t embedding_length = 512;
  int64_t input_side_px = 112;
  std::string neck = "none";
  std::string weights;
  std::string loss = "triplet";
  std::string mining = "semi-hard";
  std::string distance = "squared";
  std::string margin_kind = "hinge";
  double margin = -1;  ///< below 0: the loss's own
  double scale = 64;
  uint64_t people_per_batch = 16;
  uint64_t photos_per_person = 4;
  uint64_t steps = 1000;
  uint64_t seed = 1;
  std::string optimizer = "adamw";
  double learning_rate = 1e-3;
  double weight_decay = 0.01;
  double momentum = 0.9;
  uint64_t warm_up_steps = 100;
  double max_gradient_norm = 5;
  double ema_decay = 0;
  double augmentation = 1;
  uint64_t evaluate_every = 0;
  uint64_t checkpoint_every = 100;
  std::string device = "auto";
  std::string precision = "auto";
  int threads = 0;
  int world_size = 1;
  int rank = 0;            ///< of a process that another one started
  std::string rendezvous;  ///< likewise: the file by which they find each other
  int parent = 0;          ///< likewise: the process that it ends with
  bool json = false;
};

/// Declares them; `--resume` takes none of those that run.json holds.
void declare_train(CLI::App& command, TrainOptions& options);

}  // namespace faceforge::cli
