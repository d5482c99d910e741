#include "timer.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <span>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/file.h"
#include "nn/openmp_waiting.h"
#include "quantile.h"

namespace faceforge::bench {
namespace {

/// Some runtimes measure and compile in their first runs.
constexpr int kUnmeasuredRuns = 3;

constexpr size_t kInputLimit_bytes = size_t{1} << 28;

Result<TimerRequest> request_of(std::span<char*> words) {
  if (words.size() != 6) {
    return fail(ErrorCode::InvalidInput, "usage", "usage: {} MODEL.onnx INPUT THREADS BATCH SIDE",
                words[0]);
  }
  TimerRequest request{.model = words[1], .input = {}, .thread_count = std::atoi(words[3])};
  const int64_t batch = std::atoi(words[4]);
  const int64_t side_px = std::atoi(words[5]);
  request.input.shape = {batch, 3, side_px, side_px};
  const auto bytes = TRY(read_file(words[2], kInputLimit_bytes));
  request.input.values.resize(bytes.size() / sizeof(float));
  if (request.input.values.size() != static_cast<size_t>(batch * 3 * side_px * side_px)) {
    return fail(ErrorCode::InvalidInput, "input_size", "{} holds {} numbers, not {}", words[2],
                request.input.values.size(), batch * 3 * side_px * side_px);
  }
  std::memcpy(request.input.values.data(), bytes.data(), bytes.size());
  return request;
}

double root_mean_square(std::span<const float> numbers) {
  double sum = 0;
  for (const double number : numbers) sum += number * number;
  return std::sqrt(sum / static_cast<double>(numbers.size()));
}

Result<double> median_ms(const ReadyNetwork& network, size_t run_count) {
  std::vector<double> times_ms;
  for (size_t run = 0; run < run_count; ++run) {
    const auto start = std::chrono::steady_clock::now();
    TRY(network.run());
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
    times_ms.push_back(time.count());
  }
  return median(std::move(times_ms));
}

Result<void> answer(std::span<char*> words, const Prepare& prepare) {
  const TimerRequest request = TRY(request_of(words));
  const ReadyNetwork network = TRY(prepare(request));
  for (int run = 0; run < kUnmeasuredRuns; ++run) TRY(network.run());
  std::vector<double> sizes;
  for (const auto& output : network.outputs()) sizes.push_back(root_mean_square(output));
  fmt::print("[{}]\n", fmt::join(sizes, ","));
  std::fflush(stdout);
  size_t run_count = 0;
  while (std::cin >> run_count && run_count > 0) {
    fmt::print("{:.4f}\n", TRY(median_ms(network, run_count)));
    std::fflush(stdout);
  }
  return {};
}

}  // namespace

int time_on_request(int argument_count, char** arguments, const Prepare& prepare) {
  nn::choose_openmp_waiting(arguments);
  const auto done = answer({arguments, static_cast<size_t>(argument_count)}, prepare);
  if (!done) fmt::print(stderr, "{}\n", done.error().message);
  return done ? 0 : 3;
}

}  // namespace faceforge::bench
