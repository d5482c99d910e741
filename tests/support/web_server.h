#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

namespace faceforge::test {

/// A web server on a free port of this machine that answers as a test wants it to: cutting bodies
/// short, lying about what it sends, never answering. One request a connection, one at a time.
class WebServer {
 public:
  struct Answer {
    std::string head;  ///< status line and headers, without the final empty line
    std::string body;
  };

  /// `answer` gets the request's text and its number, counted from 0.
  using Answerer = std::function<Answer(const std::string& request, int number)>;

  explicit WebServer(Answerer answer) : answer_(std::move(answer)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    CHECK(::listen(listener_, 8) == 0);
    socklen_t length = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~WebServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  [[nodiscard]] std::string url(const std::string& path = "/pack.zip") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  [[nodiscard]] std::vector<std::string> requests() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
  }
  /// The Range header of each request; "" for none.
  [[nodiscard]] std::vector<std::string> ranges() const {
    std::vector<std::string> found;
    for (const std::string& request : requests()) found.push_back(header(request, "Range: "));
    return found;
  }
  static std::string header(const std::string& request, const std::string& name) {
    const size_t begin = request.find("\r\n" + name);
    if (begin == std::string::npos) return "";
    const size_t value = begin + 2 + name.size();
    return request.substr(value, request.find("\r\n", value) - value);
  }

 private:
  void serve() {
    while (true) {
      const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) return;
      serve_one(connection);
      ::close(connection);
    }
  }
  void serve_one(int connection) {
    std::string request;
    std::array<char, 4096> buffer{};
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = ::recv(connection, buffer.data(), buffer.size(), 0);
      if (got <= 0) return;
      request.append(buffer.data(), static_cast<size_t>(got));
    }
    int number = 0;
    {
      const std::scoped_lock lock(mutex_);
      number = static_cast<int>(requests_.size());
      requests_.push_back(request);
    }
    const Answer answer = answer_(request, number);
    const std::string text = answer.head + "\r\nConnection: close\r\n\r\n" + answer.body;
    for (size_t sent = 0; sent < text.size();) {
      const ssize_t step = ::send(connection, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (step <= 0) return;
      sent += static_cast<size_t>(step);
    }
  }

  Answerer answer_;
  int listener_ = -1;
  uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace faceforge::test
