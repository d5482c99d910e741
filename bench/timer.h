#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "base/result.h"
#include "nn/tensor.h"

namespace faceforge::bench {

/// What a timer is asked for on its command line: MODEL.onnx INPUT THREADS BATCH SIDE.
struct TimerRequest {
  std::filesystem::path model;
  nn::Tensor input;  ///< BATCH pictures of SIDE by SIDE, read from INPUT: little-endian floats
  int thread_count = 1;
};

/// A network that a runtime has made ready for one input.
struct ReadyNetwork {
  std::function<Result<void>()> run;                         ///< what is timed
  std::function<std::vector<std::vector<float>>()> outputs;  ///< of the last run, in any order
};

using Prepare = std::function<Result<ReadyNetwork>(const TimerRequest& request)>;

/// The main function of every timer in C++. It runs the network three times unmeasured and prints
/// the root mean square of each output as a JSON array, so that whoever compares runtimes sees that
/// they compute the same. Then each line on standard input, a number of runs, is answered with the
/// milliseconds of one run, the median of that many.
///
/// out: an exit code; failures are told on standard error
[[nodiscard]] int time_on_request(int argument_count, char** arguments, const Prepare& prepare);

}  // namespace faceforge::bench
