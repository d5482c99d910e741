#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "http/client_test_support.h"

namespace faceforge::http::test {

/// A frame of the live socket as its client sends it.
inline std::string frame(uint32_t id, const std::string& file) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(id >> shift);
  return bytes + file;
}

/// A WebSocket client made of bare frames (RFC 6455, section 5.2), that does only what the test
/// says: it answers neither a ping nor a close.
class SocketClient {
 public:
  enum class Opcode : uint8_t { Text = 1, Binary = 2, Close = 8, Ping = 9, Pong = 10 };

  struct Frame {
    Opcode opcode = Opcode::Close;
    std::string payload{};
    uint16_t close_code = 0;  ///< of a close
    std::string reason{};
  };

  explicit SocketClient(uint16_t port) : port_(port), connection_(port) {}

  /// Asks for the upgrade; `fields` are lines that end in CRLF.
  ///
  /// out: the answer, of which 101 means that the socket is open
  Answer open(std::string_view path, std::string_view fields = "") {
    connection_.send(fmt::format(
        "GET {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{}\r\n",
        path, port_, fields));
    // A 101 has no body, as an answer to HEAD has none.
    return connection_.receive(Method::Head).value_or(Answer{});
  }

  bool send(Opcode opcode, std::string_view payload) {
    std::string frame{static_cast<char>(0x80 | static_cast<uint8_t>(opcode))};
    if (payload.size() < 126) {
      frame += static_cast<char>(0x80 | payload.size());
    } else {
      const bool is_short = payload.size() <= 0xFFFF;  // the shortest form must be used
      frame += static_cast<char>(0x80 | (is_short ? 126 : 127));
      for (int shift = is_short ? 8 : 56; shift >= 0; shift -= 8) {
        frame += static_cast<char>(payload.size() >> shift);
      }
    }
    frame.append(4, '\0');  // a mask that changes nothing
    return connection_.send(frame + std::string(payload));
  }
  bool send(std::string_view payload) { return send(Opcode::Binary, payload); }

  /// The next frame, of whatever kind; nothing when the connection ends before.
  std::optional<Frame> receive() {
    const auto head = connection_.receive_exactly(2);
    if (!head) return std::nullopt;
    Frame frame{.opcode = static_cast<Opcode>((*head)[0] & 0x0F)};
    size_t size = static_cast<uint8_t>((*head)[1]) & 0x7F;
    if (size >= 126) {
      const auto longer = connection_.receive_exactly(size == 126 ? 2 : 8);
      if (!longer) return std::nullopt;
      size = 0;
      for (const char byte : *longer) size = size << 8 | static_cast<uint8_t>(byte);
    }
    auto payload = connection_.receive_exactly(size);
    if (!payload) return std::nullopt;
    frame.payload = *std::move(payload);
    if (frame.opcode == Opcode::Close && size >= 2) {
      frame.close_code = static_cast<uint16_t>(static_cast<uint8_t>(frame.payload[0]) << 8 |
                                               static_cast<uint8_t>(frame.payload[1]));
      frame.reason = frame.payload.substr(2);
    }
    return frame;
  }

  /// The next text; what else comes is passed over, but for a close, which ends the wait.
  std::string receive_text() {
    while (auto frame = receive()) {
      if (frame->opcode == Opcode::Text) return frame->payload;
      if (frame->opcode == Opcode::Close) return "closed: " + frame->reason;
    }
    return "gone";
  }

  /// Passes over everything until the server closes.
  Frame receive_close() {
    while (auto frame = receive()) {
      if (frame->opcode == Opcode::Close) return *frame;
    }
    return {.reason = "gone"};
  }

  RawClient& connection() { return connection_; }

 private:
  uint16_t port_;
  RawClient connection_;
};

}  // namespace faceforge::http::test
