#include "nn/openmp_waiting.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <unistd.h>

namespace faceforge::nn {

void choose_openmp_waiting(char** arguments) {
  constexpr const char* kName = "GOMP_SPINCOUNT";
  // With threads bound the library has bound this one already, and so would be the program's next.
  for (const char* chosen : {kName, "OMP_WAIT_POLICY", "OMP_PROC_BIND", "GOMP_CPU_AFFINITY"}) {
    if (std::getenv(chosen) != nullptr) return;
  }
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  // Without the variable the program would start itself for ever.
  if (error || setenv(kName, "30000", 1) != 0) return;
  execv(program.c_str(), arguments);
}

}  // namespace faceforge::nn
