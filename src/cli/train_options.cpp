#include "cli/train_options.h"

#include <CLI/Validators.hpp>

#include "cli/command.h"

namespace faceforge::cli {
namespace {

void declare_data(CLI::App& command, TrainOptions& options) {
  command.add_option("--data", options.data, "The crops: a .ffd file")->type_name("FILE.ffd");
  command.add_option("--people", options.people, "Whom to train on: one name a line")
      ->type_name("LIST");
  command
      .add_option("--held-out", options.held_out,
                  "Whom to measure on, before and after: one name a line, nobody of --people")
      ->type_name("LIST");
}

void declare_network(CLI::App& command, TrainOptions& options) {
  command
      .add_option("--network", options.network,
                  "resnet50, iresnet18, iresnet34, iresnet50, iresnet100 or mobilefacenet")
      ->type_name("NAME");
  command.add_option("--embedding-length", options.embedding_length, "Numbers of an embedding")
      ->type_name("N");
  command.add_option("--input-size", options.input_side_px, "The side of its input")
      ->type_name("PX");
  command
      .add_option("--neck", options.neck,
                  "none, or batch-norm: a batch norm between distances and classes (BNNeck)")
      ->type_name("KIND");
  command
      .add_option("--weights", options.weights,
                  "Begin with these: a checkpoint, or torchvision's resnet50 as safetensors")
      ->type_name("FILE");
}

void declare_loss(CLI::App& command, TrainOptions& options) {
  command
      .add_option("--loss", options.loss,
                  "triplet, arcface, cosface, contrastive or multi-similarity")
      ->type_name("NAME");
  command.add_option("--mining", options.mining, "Which triplets: all, hard or semi-hard")
      ->type_name("KIND");
  command.add_option("--distance", options.distance, "Of triplets: squared or euclidean")
      ->type_name("KIND");
  command.add_option("--margin-kind", options.margin_kind, "Of triplets: hinge or soft")
      ->type_name("KIND");
  command
      .add_option("--margin", options.margin,
                  "Without it: triplet 0.2, arcface 0.5, cosface 0.35, contrastive 1")
      ->type_name("M")
      ->check(CLI::NonNegativeNumber);
  command.add_option("--scale", options.scale, "Of arcface and cosface")->type_name("S");
}

void declare_batches(CLI::App& command, TrainOptions& options) {
  command.add_option("--people-per-batch", options.people_per_batch, "People of a step")
      ->type_name("P");
  command.add_option("--photos-per-person", options.photos_per_person, "Photos of each")
      ->type_name("K");
  command.add_option("--steps", options.steps, "Batches to learn from")->type_name("N");
  command.add_option("--seed", options.seed, "What all draws depend on")->type_name("S");
  command
      .add_option("--augmentation", options.augmentation,
                  "How often photos are changed, against the usual: 0 (never) to 2")
      ->type_name("X")
      ->check(CLI::Range(0.0, 2.0));
}

void declare_optimizer(CLI::App& command, TrainOptions& options) {
  command.add_option("--optimizer", options.optimizer, "adamw or sgd")->type_name("NAME");
  command.add_option("--learning-rate", options.learning_rate, "The highest, after the warm-up")
      ->type_name("R");
  command.add_option("--weight-decay", options.weight_decay, "Not of biases and norms")
      ->type_name("W");
  command.add_option("--momentum", options.momentum, "Of sgd")->type_name("M");
  command.add_option("--warm-up", options.warm_up_steps, "Steps until the highest rate")
      ->type_name("N");
  command
      .add_option("--max-gradient-norm", options.max_gradient_norm,
                  "Longer gradients are shortened; 0: never")
      ->type_name("G");
  command
      .add_option("--ema", options.ema_decay,
                  "Keep averaged weights of this decay (0.999, say), which are what is measured")
      ->type_name("D");
}

}  // namespace

void declare_train(CLI::App& command, TrainOptions& options) {
  declare_data(command, options);
  declare_network(command, options);
  declare_loss(command, options);
  declare_batches(command, options);
  declare_optimizer(command, options);
  command
      .add_option("--evaluate-every", options.evaluate_every,
                  "Steps between measurements; 0: before and after only")
      ->type_name("N");
  command
      .add_option("--checkpoint-every", options.checkpoint_every,
                  "Steps that are lost at most when the computer stops")
      ->type_name("N");
  const auto settings =
      command.get_options([](const CLI::Option* option) { return option->get_name() != "--help"; });
  CLI::Option* resume =
      command.add_flag("--resume", options.resume, "Go on with the run in --output");
  for (CLI::Option* setting : settings) resume->excludes(setting);
  command.add_option("-o,--output", options.output, "The folder of the run")
      ->required()
      ->type_name("DIR");
  command.add_option("--device", options.device, "auto, cpu or cuda")
      ->type_name("NAME")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  command
      .add_option("--precision", options.precision,
                  "Of convolutions and products: float, bf16, or auto: bf16 on a GPU")
      ->type_name("NAME")
      ->check(CLI::IsMember({"auto", "float", "bf16"}));
  command
      .add_option("--threads", options.threads,
                  "Of the CPU, for each process; 0: one a core, of all processes together")
      ->type_name("N")
      ->check(CLI::Range(0, 1024));
  command
      .add_option(
          "--world-size", options.world_size,
          "Processes of this machine that share each batch; as many GPUs, or parts of the CPU")
      ->type_name("N")
      ->check(CLI::Range(1, 64));
  // What the first process tells the others.
  command.add_option("--rank", options.rank)->group("")->check(CLI::Range(0, 63));
  command.add_option("--rendezvous", options.rendezvous)->group("");
  command.add_option("--parent", options.parent)->group("");
  add_json_option(command, options.json);
  set_examples(command,
               "  faceforge train --data faces.ffd --people train.txt --held-out test.txt "
               "--steps 1000 -o run1/\n"
               "  faceforge train --data faces.ffd --people train.txt --network mobilefacenet "
               "--loss arcface -o run2/\n"
               "  faceforge train --resume -o run1/");
}

}  // namespace faceforge::cli
