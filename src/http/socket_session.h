#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

namespace faceforge::http {

/// One message of a client, as it came through a WebSocket.
struct SocketMessage {
  std::span<const std::byte> bytes{};
  std::chrono::steady_clock::time_point received{};
  int64_t received_count = 0;  ///< messages so far, this one too
  int64_t dropped_count = 0;   ///< of them, because a newer one had come
};

/// Why the server ends a socket.
struct SocketEnd {
  enum class Cause : uint8_t {
    Refused,  ///< nothing that the client sends would be answered: 1008
    Failed,   ///< trouble of the server's own: 1011
  };
  std::string reason{};  ///< a slug of ours, at most 123 bytes
  Cause cause = Cause::Refused;
};

struct SocketReply {
  std::string text{};
  std::optional<SocketEnd> end{};  ///< after the text
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
  ///
  /// in: `abandoned` is asked to stop when nobody will be told the answer any more
  [[nodiscard]] virtual SocketReply answer(const SocketMessage& message,
                                           std::stop_token abandoned) = 0;

  /// Brings what the session holds up to date. Called, where `answer` is and never beside it, once
  /// `limits.socket_check` has passed without a message.
  ///
  /// out: why the socket must end, if it must
  [[nodiscard]] virtual std::optional<SocketEnd> refresh() = 0;
};

}  // namespace faceforge::http
