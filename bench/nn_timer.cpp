// Runs an ONNX network on request, for nn_vs_onnxruntime.mjs: each line on standard input, a number
// of runs, is answered with the milliseconds of one run, the median of that many.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <random>
#include <vector>

#include <fmt/format.h>

#include "nn/network.h"

int main(int argument_count, char** arguments) {
  if (argument_count < 2) {
    fmt::print(stderr, "usage: faceforge_nn_timer MODEL.onnx [THREADS [SIDE [BATCH]]]\n");
    return 2;
  }
  const int thread_count = argument_count > 2 ? std::atoi(arguments[2]) : 1;
  const int64_t side_px = argument_count > 3 ? std::atoi(arguments[3]) : 112;
  const int64_t batch = argument_count > 4 ? std::atoi(arguments[4]) : 1;
  const auto network = faceforge::nn::Network::load(arguments[1]);
  if (!network) {
    fmt::print(stderr, "{}\n", network.error().message);
    return 3;
  }
  faceforge::nn::Tensor input{{batch, 3, side_px, side_px}, {}};
  input.values.resize(static_cast<size_t>(batch * 3 * side_px * side_px));
  std::mt19937 random(7);
  std::uniform_real_distribution<float> numbers(-1, 1);
  for (float& value : input.values) value = numbers(random);

  size_t run_count = 0;
  while (std::cin >> run_count) {
    std::vector<double> times_ms;
    for (size_t run = 0; run < run_count; ++run) {
      const auto start = std::chrono::steady_clock::now();
      const auto outputs = network->run(input, {.thread_count = thread_count});
      const std::chrono::duration<double, std::milli> time =
          std::chrono::steady_clock::now() - start;
      if (!outputs) {
        fmt::print(stderr, "{}\n", outputs.error().message);
        return 3;
      }
      times_ms.push_back(time.count());
    }
    std::ranges::nth_element(times_ms,
                             times_ms.begin() + static_cast<std::ptrdiff_t>(times_ms.size() / 2));
    fmt::print("{:.4f}\n", times_ms[times_ms.size() / 2]);
    std::fflush(stdout);
  }
}
