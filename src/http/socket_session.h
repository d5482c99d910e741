#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace faceforge::http {

/// One message of a client, as it came through a WebSocket.
struct SocketMessage {
  std::span<const std::byte> bytes{};
  std::chrono::steady_clock::time_point received{};
  int64_t received_count = 0;  ///< messages so far, this one too
  int64_t dropped_count = 0;   ///< of them, because a newer one had come
};

struct SocketReply {
  std::string text{};
  /// Why the socket ends after this, if it does: a slug of ours, at most 123 bytes.
  std::optional<std::string> end{};
};

/// The server's end of a WebSocket. The client sends binary messages and gets texts. A message is
/// looked at when the one before it is answered and the client has taken the answer; of those that
/// come meanwhile the newest stays.
class SocketSession {
 public:
  virtual ~SocketSession() = default;

  /// The first text.
  [[nodiscard]] virtual std::string greeting() = 0;

  /// Looks at a message, on a thread of the lane `Sockets`; one at a time.
  [[nodiscard]] virtual SocketReply answer(const SocketMessage& message) = 0;
};

}  // namespace faceforge::http
