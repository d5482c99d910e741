// How long a pack takes to load, and what memory that takes, each in a process of its own:
//
//   faceforge_pack_load PACK_FOLDER           a line: the pack, milliseconds that its files took to
//                                             be checked and loaded the first time, and the median
//                                             of five loads more, then resident megabytes before,
//                                             at their peak in the first load, and after it; the
//                                             check reads every file, so that no load waits for the
//                                             disk
//   faceforge_pack_load NETWORK.onnx [SIDE]   megabytes of one network's weights in its file and
//                                             in memory, with programs for batches of 1, 2, 4 and 8
//                                             on one and two threads, and resident megabytes

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "nn/network.h"
#include "packs/registry.h"
#include "vision/pipeline.h"

namespace {

using namespace faceforge;

constexpr double kMegabyte = 1e6;

/// A line of /proc/self/status: VmRSS now, VmHWM at its peak.
double resident_megabytes(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != name + ":") continue;
    double kilobytes = 0;
    status >> kilobytes;
    return kilobytes * 1024 / kMegabyte;
  }
  return 0;
}

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  return time.count();
}

Result<void> time_pack(const std::filesystem::path& folder) {
  const auto opened = std::chrono::steady_clock::now();
  const packs::Registry registry({.packs_folder = {}});
  const auto spec = TRY(registry.open(folder.string()));
  const double checking_ms = milliseconds_since(opened);
  const double before = resident_megabytes("VmRSS");
  std::vector<double> times_ms;
  double peak = 0, after = 0;
  for (int load = 0; load < 6; ++load) {
    const auto start = std::chrono::steady_clock::now();
    const auto pipeline = TRY(vision::Pipeline::load(spec));
    times_ms.push_back(milliseconds_since(start));
    if (load > 0) continue;
    peak = resident_megabytes("VmHWM");
    after = resident_megabytes("VmRSS");
  }
  const double first_ms = times_ms[0];
  times_ms.erase(times_ms.begin());
  std::ranges::sort(times_ms);
  fmt::print(
      "{}: checked in {:.0f} ms, loaded in {:.0f} ms, then {:.0f} ms; {:.0f} MB before, {:.0f} MB "
      "peak, {:.0f} MB after\n",
      folder.filename().string(), checking_ms, first_ms, times_ms[2], before, peak, after);
  return {};
}

Result<void> weigh(const std::filesystem::path& file, int64_t open_side_px) {
  const double before = resident_megabytes("VmRSS");
  const auto start = std::chrono::steady_clock::now();
  const auto network = TRY(nn::Network::load(file));
  const double parsing_ms = milliseconds_since(start);
  fmt::print(
      "{}: parsed in {:.0f} ms, {:.1f} MB of weights, {:.0f} MB resident ({:.0f} before, "
      "peak {:.0f})\n",
      file.filename().string(), parsing_ms, static_cast<double>(network.weight_bytes()) / kMegabyte,
      resident_megabytes("VmRSS"), before, resident_megabytes("VmHWM"));
  for (const int64_t batch : {1, 2, 4, 8}) {
    nn::Tensor input{network.inputs()[0].shape, {}};
    size_t count = 1;
    for (size_t axis = 0; axis < input.shape.size(); ++axis) {
      int64_t& dimension = input.shape[axis];
      if (axis == 0) dimension = batch;
      if (dimension < 0) dimension = open_side_px;
      count *= static_cast<size_t>(dimension);
    }
    input.values.resize(count);
    for (const int thread_count : {1, 2}) {
      TRY(network.run(input, {.thread_count = thread_count}));
      fmt::print("  batch {}, {} threads: {:.1f} MB of weights, {:.0f} MB resident\n", batch,
                 thread_count, static_cast<double>(network.weight_bytes()) / kMegabyte,
                 resident_megabytes("VmRSS"));
    }
  }
  return {};
}

}  // namespace

int main(int argument_count, char** arguments) {
  constexpr std::string_view kUsage =
      "usage: faceforge_pack_load PACK_FOLDER | NETWORK.onnx [SIDE]\n"
      "a pack: milliseconds to check and to load it, and resident megabytes\n"
      "a network: megabytes of its weights; pictures have SIDE by SIDE pixels (1 to 4096;\n"
      "320) where it leaves that open\n";
  const bool is_asked = argument_count == 2 && arguments[1] == std::string_view("--help");
  const int64_t side_px = argument_count == 3 ? std::atoll(arguments[2]) : 320;
  if (is_asked || argument_count < 2 || argument_count > 3 || side_px < 1 || side_px > 4096) {
    fmt::print(is_asked ? stdout : stderr, "{}", kUsage);
    return is_asked ? 0 : 2;
  }
  std::error_code error;
  const auto place = std::filesystem::canonical(arguments[1], error);
  if (error) {
    fmt::print(stderr, "{}: {}\n", arguments[1], error.message());
    return 3;
  }
  const bool is_pack = std::filesystem::is_directory(place);
  if (is_pack && argument_count == 3) {
    fmt::print(stderr, "a pack has no SIDE: {}\n", arguments[2]);
    return 2;
  }
  const auto done = is_pack ? time_pack(place) : weigh(place, side_px);
  if (!done) fmt::print(stderr, "{}\n", done.error().message);
  return done ? 0 : 3;
}
