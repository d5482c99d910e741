#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace faceforge::train {

/// A number at a step, as TensorBoard draws it.
struct Scalar {
  std::string_view tag;  ///< `loss/train`, ..: what stands before the slash groups the plots
  double value = 0;
};

/// A file of events that TensorBoard reads. Its messages have so few fields that they are written
/// here by hand: where training runs, no protobuf is needed.
///
/// source: TensorFlow's event.proto and summary.proto (Event: wall_time 1, step 2, file_version 3,
///         summary 5, session_log 7; Value: tag 1, simple_value 2; SessionLog: status 1);
///         record_writer.h: u64 length, masked CRC-32C of it, the bytes, masked CRC-32C of them
class EventFile {
 public:
  /// Begins a file in `folder`, named after the time. A run that goes on begins another one, which
  /// tells TensorBoard to forget what an earlier one says of `first_step` and later.
  ///
  /// fails: as file_error
  [[nodiscard]] static Result<EventFile> create(const std::filesystem::path& folder,
                                                const Clock& clock, uint64_t first_step);

  /// Fails as create (a full disk, say).
  [[nodiscard]] Result<void> add(uint64_t step, std::span<const Scalar> scalars);

 private:
  EventFile(std::filesystem::path path, std::ofstream file, const Clock& clock)
      : path_(std::move(path)), file_(std::move(file)), clock_(&clock) {}
  [[nodiscard]] Result<void> write(std::string event);

  std::filesystem::path path_;
  std::ofstream file_;
  const Clock* clock_;
};

/// One record around an event's bytes.
[[nodiscard]] std::string event_record(std::string_view event);

/// source: RFC 3720, appendix B.4 (the Castagnoli polynomial, reflected)
[[nodiscard]] uint32_t crc32c(std::string_view bytes);

}  // namespace faceforge::train
