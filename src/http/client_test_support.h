#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/header_value.h"
#include "http/message.h"

namespace faceforge::http::test {

struct Answer {
  int status = 0;
  Headers headers;
  std::string body;

  [[nodiscard]] std::string header(std::string_view name) const {
    return std::string(headers.find(name).value_or(""));
  }
};

/// A client that says exactly what the test tells it to, byte by byte.
class RawClient {
 public:
  explicit RawClient(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  RawClient(RawClient&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)),
        connected_(other.connected_),
        unread_(std::move(other.unread_)) {}
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() { close(); }

  [[nodiscard]] bool connected() const { return connected_; }

  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }

  void end_sending() { ::shutdown(socket_, SHUT_WR); }

  /// out: whether the server still took it
  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t count = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      text.remove_prefix(static_cast<size_t>(count));
    }
    return true;
  }

  /// Reads one response; nothing when the connection ends before it does.
  std::optional<Answer> receive(Method method = Method::Get) {
    const auto head = receive_until("\r\n\r\n");
    if (!head) return std::nullopt;
    Answer answer;
    answer.status = std::stoi(head->substr(9, 3));
    size_t begin = head->find("\r\n") + 2;
    while (begin + 2 < head->size()) {
      const size_t end = head->find("\r\n", begin);
      const std::string_view line = std::string_view(*head).substr(begin, end - begin);
      const size_t colon = line.find(':');
      answer.headers.add(std::string(line.substr(0, colon)),
                         std::string(trimmed(line.substr(colon + 1))));
      begin = end + 2;
    }
    if (method == Method::Head || answer.status == 100 || answer.status == 204) return answer;
    if (const auto length = answer.headers.find("Content-Length")) {
      const size_t size = std::stoul(std::string(*length));
      while (unread_.size() < size) {
        if (!read_more()) return std::nullopt;
      }
      answer.body = unread_.substr(0, size);
      unread_.erase(0, size);
    } else {
      answer.body = receive_all();
    }
    return answer;
  }

  /// Everything until the server closes.
  std::string receive_all() {
    while (read_more()) {
    }
    return std::exchange(unread_, {});
  }

  std::optional<std::string> receive_until(std::string_view end) {
    size_t position = 0;
    while ((position = unread_.find(end)) == std::string::npos) {
      if (!read_more()) return std::nullopt;
    }
    std::string text = unread_.substr(0, position + end.size());
    unread_.erase(0, position + end.size());
    return text;
  }

  std::optional<std::string> receive_exactly(size_t size) {
    while (unread_.size() < size) {
      if (!read_more()) return std::nullopt;
    }
    std::string text = unread_.substr(0, size);
    unread_.erase(0, size);
    return text;
  }

  /// Whether there is something to receive, or an end, within that time.
  [[nodiscard]] bool readable_within(std::chrono::milliseconds time) const {
    pollfd descriptor{.fd = socket_, .events = POLLIN, .revents = 0};
    return ::poll(&descriptor, 1, static_cast<int>(time.count())) == 1;
  }

  /// Whether the server closes within that time, sending nothing more.
  bool closes_within(std::chrono::milliseconds time) {
    if (!readable_within(time)) return false;
    char byte = 0;
    return ::recv(socket_, &byte, 1, 0) <= 0;
  }

 private:
  bool read_more() {
    if (!readable_within(std::chrono::seconds(30))) return false;
    char chunk[65'536];
    const ssize_t count = ::recv(socket_, chunk, sizeof chunk, 0);
    if (count <= 0) return false;
    unread_.append(chunk, static_cast<size_t>(count));
    return true;
  }

  int socket_;
  bool connected_ = false;
  std::string unread_;
};

}  // namespace faceforge::http::test
