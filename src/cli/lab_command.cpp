#include <cerrno>
#include <filesystem>

#include <unistd.h>

#include "cli/command.h"
#include "cli/train_head_command.h"
#include "cli/train_options.h"

// The commands that need LibTorch are those of a second program: linked into this one, it would
// cost every start 0.4 s.
namespace faceforge::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLabProgram = "faceforge-lab";

/// Becomes faceforge-lab, which lies beside this program, with the same command line.
Result<int> become_lab(const std::vector<std::string>& arguments) {
  std::error_code failed;
  const fs::path self = fs::read_symlink("/proc/self/exe", failed);
  const fs::path lab = self.parent_path() / kLabProgram;
  std::vector<char*> forwarded;
  for (const std::string& argument : arguments) {
    forwarded.push_back(const_cast<char*>(argument.c_str()));  // execv writes to none of them
  }
  forwarded.push_back(nullptr);
  if (!failed) ::execv(lab.c_str(), forwarded.data());
  return fail(ErrorCode::NotFound, "lab_not_installed",
              "training is a program of its own, {}, which is not beside this one ({}): install "
              "LibTorch (libtorch-dev) and build it, as docs/training.md says",
              kLabProgram, self.parent_path().string());
}

}  // namespace

void add_train_command(CLI::App& app, Chosen& chosen) {
  CLI::App* train = add_command<TrainOptions>(
      app, chosen, "train", "Train an embedding network of your own", declare_train,
      [&chosen](const TrainOptions&, const Interrupt&) { return become_lab(chosen.arguments); });
  add_train_head_command(*train, chosen);
}

}  // namespace faceforge::cli
