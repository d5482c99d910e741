#include "base/clock.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace faceforge {

UnixTime_ms SystemClock::now_ms() const {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string to_rfc3339(UnixTime_ms time_ms) {
  const std::chrono::system_clock::time_point point{std::chrono::milliseconds(time_ms)};
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(point));
}

}  // namespace faceforge
