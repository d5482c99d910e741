#include "nn/openmp_waiting.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <omp.h>
#include <unistd.h>

namespace faceforge::nn {

void choose_openmp_waiting(char** arguments) {
  constexpr const char* kName = "GOMP_SPINCOUNT";
  if (std::getenv(kName) != nullptr || std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  // Where the user has threads bound, the library has bound this one to one processor already, and
  // the program that is started would have no other.
  if (omp_get_proc_bind() != omp_proc_bind_false) return;
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  // Without the variable the program would start itself for ever.
  if (error || setenv(kName, "30000", 1) != 0) return;
  execv(program.c_str(), arguments);
}

}  // namespace faceforge::nn
