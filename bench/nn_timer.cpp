// Runs a network on FaceForge's own engine, on request: see timer.h.

#include <memory>

#include "nn/network.h"
#include "timer.h"

namespace {

using namespace faceforge;

Result<bench::ReadyNetwork> prepare(const bench::TimerRequest& request) {
  const auto network = TRY(nn::Network::load(request.model));
  const auto outputs = std::make_shared<std::vector<nn::Tensor>>();
  // The request outlives what is made ready for it.
  const auto run = [network, &request, outputs]() -> Result<void> {
    *outputs = TRY(network.run(request.input, {.thread_count = request.thread_count}));
    return {};
  };
  const auto values = [outputs] {
    std::vector<std::vector<float>> lists;
    for (const nn::Tensor& output : *outputs) lists.push_back(output.values);
    return lists;
  };
  return bench::ReadyNetwork{run, values};
}

}  // namespace

int main(int argument_count, char** arguments) {
  return bench::time_on_request(argument_count, arguments, prepare);
}
