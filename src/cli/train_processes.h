#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "base/scratch_folder.h"

namespace faceforge::cli {

/// The other processes of a run that several share. They end with this object, and with the process
/// that made it, however that one ends.
class TrainProcesses {
 public:
  /// Starts this very program `count` - 1 times more, with the same command line, a rank, the
  /// rendezvous and whom to end with, and watches them.
  ///
  /// in:    `lost` is called, on a thread of its own, when one has failed and this process has not
  ///        noticed for some seconds: it waits for the lost one, and must be ended. The others are
  ///        killed by then. What is handed over is as complaint()
  /// fails: as ScratchFolder::create; internal/process_not_started
  [[nodiscard]] static Result<std::unique_ptr<TrainProcesses>> start(
      int count, const std::vector<std::string>& arguments,
      std::function<void(const std::string&)> lost);

  /// Kills those that still run.
  ~TrainProcesses();
  TrainProcesses(const TrainProcesses&) = delete;
  TrainProcesses& operator=(const TrainProcesses&) = delete;

  [[nodiscard]] std::string rendezvous() const { return (folder_.path() / "rendezvous").string(); }

  /// What the first that failed said, or by which signal it ended; empty when none does within a
  /// second.
  [[nodiscard]] std::string complaint();

 private:
  explicit TrainProcesses(ScratchFolder folder) : folder_(std::move(folder)) {}
  [[nodiscard]] std::filesystem::path log(size_t rank) const;
  void look();
  void watch(const std::stop_token& stop, const std::function<void(const std::string&)>& lost);
  void kill_all();

  ScratchFolder folder_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<pid_t> children_;           ///< of rank 1, 2, ...; 0 where one was waited for
  std::optional<std::string> complaint_;  ///< of the first that failed
  std::jthread watcher_;
};

/// In a process that was started so: ends with the one that started it.
void end_with(pid_t parent);

}  // namespace faceforge::cli
