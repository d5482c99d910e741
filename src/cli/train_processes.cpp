#include "cli/train_processes.h"

#include <csignal>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

extern char** environ;

namespace faceforge::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxLogBytes = size_t{1} << 20;
constexpr std::chrono::milliseconds kLook{50};
constexpr std::chrono::seconds kComplaint{1};
constexpr std::chrono::seconds kGrace{
    5};  // Gloo notices by itself, and all refuse what one refuses

/// posix_spawn's list of what happens to the child's files.
class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  void write_to(int descriptor, const fs::path& path) {
    posix_spawn_file_actions_addopen(&actions_, descriptor, path.c_str(),
                                     O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  }
  [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const size_t end = text.find_last_of('\n');
  return end == std::string::npos ? text : text.substr(end + 1);
}

}  // namespace

fs::path TrainProcesses::log(size_t rank) const {
  return folder_.path() / fmt::format("{}.log", rank);
}

Result<std::unique_ptr<TrainProcesses>> TrainProcesses::start(
    int count, const std::vector<std::string>& arguments,
    std::function<void(const std::string&)> lost) {
  auto folder = TRY(ScratchFolder::create("faceforge-train-"));
  std::unique_ptr<TrainProcesses> processes(new TrainProcesses(std::move(folder)));
  for (int rank = 1; rank < count; ++rank) {
    std::vector<std::string> words = arguments;
    words.insert(words.end(), {"--rank", std::to_string(rank), "--rendezvous",
                               processes->rendezvous(), "--parent", std::to_string(::getpid())});
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    FileActions actions;
    actions.write_to(STDOUT_FILENO, "/dev/null");
    actions.write_to(STDERR_FILENO, processes->log(static_cast<size_t>(rank)));
    pid_t child = 0;
    const int failed =
        ::posix_spawn(&child, "/proc/self/exe", actions.get(), nullptr, pointers.data(), environ);
    if (failed != 0) {
      return fail(ErrorCode::Internal, "process_not_started",
                  "process {} of {} could not be started: {}", rank + 1, count,
                  std::generic_category().message(failed));
    }
    processes->children_.push_back(child);
  }
  processes->watcher_ = std::jthread([self = processes.get(), lost = std::move(lost)](
                                         const std::stop_token& stop) { self->watch(stop, lost); });
  return processes;
}

TrainProcesses::~TrainProcesses() {
  watcher_ = {};  // asks it to stop, and waits
  kill_all();
}

void TrainProcesses::kill_all() {
  for (const pid_t child : children_) {
    if (child > 0) ::kill(child, SIGKILL);
  }
  for (pid_t& child : children_) {
    if (child > 0) ::waitpid(child, nullptr, 0);
    child = 0;
  }
}

/// Waits for those that have ended, and keeps what the first that failed said.
void TrainProcesses::look() {
  for (size_t i = 0; i < children_.size(); ++i) {
    int status = 0;
    if (children_[i] == 0 || ::waitpid(children_[i], &status, WNOHANG) <= 0) continue;
    children_[i] = 0;
    if (complaint_ || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) continue;
    const size_t rank = i + 1;
    complaint_ =
        WIFSIGNALED(status)
            ? fmt::format("process {} was ended by signal {}", rank + 1, WTERMSIG(status))
            : fmt::format("process {} said: {}", rank + 1,
                          last_line(read_text_file(log(rank), kMaxLogBytes).value_or("nothing")));
    changed_.notify_all();
  }
}

void TrainProcesses::watch(const std::stop_token& stop,
                           const std::function<void(const std::string&)>& lost) {
  std::unique_lock lock(mutex_);
  while (!complaint_ && !stop.stop_requested()) {
    look();
    changed_.wait_for(lock, stop, kLook, [&] { return complaint_.has_value(); });
  }
  changed_.wait_for(lock, stop, kGrace, [] { return false; });
  if (stop.stop_requested()) return;
  kill_all();
  std::error_code ignored;
  fs::remove_all(folder_.path(), ignored);
  lost(*complaint_);
}

std::string TrainProcesses::complaint() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kComplaint, [&] { return complaint_.has_value(); });
  return complaint_.value_or("");
}

void end_with(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) std::_Exit(EXIT_FAILURE);  // it has ended before
}

}  // namespace faceforge::cli
