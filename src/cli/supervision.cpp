#include "cli/supervision.h"

namespace faceforge::cli {

Supervision supervision_of(ProgressBar& bar, const Interrupt& interrupt) {
  return {.report = [&bar](size_t done, size_t in_all) { bar.update(done, in_all); },
          .stop = interrupt.token()};
}

}  // namespace faceforge::cli
