// Runs a network on OpenCV's dnn, on request: see timer.h.

#include <algorithm>
#include <memory>

#include <opencv2/core.hpp>
#include <opencv2/dnn.hpp>

#include "timer.h"

namespace {

using namespace faceforge;

struct Loaded {
  cv::dnn::Net net;
  std::vector<cv::String> output_names;
  std::vector<cv::Mat> outputs;
  cv::Mat input;
};

std::shared_ptr<Loaded> load(const bench::TimerRequest& request) {
  cv::setNumThreads(request.thread_count);
  const auto loaded = std::make_shared<Loaded>();
  loaded->net = cv::dnn::readNetFromONNX(request.model.string());
  loaded->net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
  loaded->net.setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
  loaded->output_names = loaded->net.getUnconnectedOutLayersNames();
  std::vector<int> shape(request.input.shape.begin(), request.input.shape.end());
  loaded->input = cv::Mat(static_cast<int>(shape.size()), shape.data(), CV_32F);
  std::ranges::copy(request.input.values, loaded->input.ptr<float>());
  return loaded;
}

/// What OpenCV throws, as an error of ours.
template <class Work>
auto without_exceptions(Work work) -> Result<decltype(work())> {
  try {
    return work();
  } catch (const cv::Exception& error) {
    return fail(ErrorCode::Internal, "opencv_failed", "OpenCV: {}", error.what());
  }
}

Result<bench::ReadyNetwork> prepare(const bench::TimerRequest& request) {
  const auto loaded = TRY(without_exceptions([&] { return load(request); }));
  const auto run = [loaded]() -> Result<void> {
    TRY(without_exceptions([&] {
      loaded->net.setInput(loaded->input);
      loaded->net.forward(loaded->outputs, loaded->output_names);
      return true;
    }));
    return {};
  };
  const auto outputs = [loaded] {
    std::vector<std::vector<float>> lists;
    for (const cv::Mat& output : loaded->outputs) {
      lists.emplace_back(output.ptr<float>(), output.ptr<float>() + output.total());
    }
    return lists;
  };
  return bench::ReadyNetwork{run, outputs};
}

}  // namespace

int main(int argument_count, char** arguments) {
  return bench::time_on_request(argument_count, arguments, prepare);
}
