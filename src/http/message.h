#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace faceforge::http {

enum class Method { Get, Head, Post, Put, Patch, Delete, Other };

/// `GET`, `POST`, ...; `OTHER` for methods that no route has.
[[nodiscard]] std::string_view to_string(Method method);

/// The other way round; methods are spelled in capitals.
[[nodiscard]] Method method_from(std::string_view text);

/// A method that changes nothing.
[[nodiscard]] constexpr bool is_safe(Method method) {
  return method == Method::Get || method == Method::Head;
}

struct Header {
  std::string name;
  std::string value;
};

/// Header fields in the order they came; names are compared without case.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> fields) : fields_(fields) {}

  void add(std::string name, std::string value) {
    fields_.push_back({std::move(name), std::move(value)});
  }

  /// The first field of that name.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;

  /// The last field of that name: what was added on the way stands behind what was sent.
  [[nodiscard]] std::optional<std::string_view> find_last(std::string_view name) const;

  [[nodiscard]] size_t count(std::string_view name) const;

  [[nodiscard]] auto begin() const { return fields_.begin(); }
  [[nodiscard]] auto end() const { return fields_.end(); }

 private:
  std::vector<Header> fields_;
};

enum class Scheme { Http, Https };

/// A request without its body, as it came over the wire.
struct RequestHead {
  Method method = Method::Get;
  std::string target;  ///< path and query, still percent-encoded
  Headers headers;
  std::string client_address;  ///< without a port; of the client, also behind a trusted proxy
  Scheme scheme = Scheme::Http;
};

/// Text of a stream of server-sent events, and whether more will follow.
struct EventBatch {
  enum class Sequel { MoreMayFollow, End };
  std::string text;
  Sequel sequel = Sequel::MoreMayFollow;
};

/// Where a stream of server-sent events comes from.
class EventSource {
 public:
  virtual ~EventSource() = default;

  /// Says whether `next` has something to tell. Never waits; called several times a second.
  [[nodiscard]] virtual bool ready() const = 0;

  /// What happened since the last call; may wait for the database.
  [[nodiscard]] virtual EventBatch next() = 0;
};

class SocketSession;

/// Nothing; text; bytes; bytes shared by many responses; events as they happen; or, with status
/// 101, who answers in the WebSocket that the connection becomes.
using ResponseBody = std::variant<std::monostate, std::string, std::vector<std::byte>,
                                  std::shared_ptr<const std::string>, std::shared_ptr<EventSource>,
                                  std::shared_ptr<SocketSession>>;

struct Response {
  int status = 200;
  Headers headers{};
  ResponseBody body{};
};

/// The bytes of a body; empty for none, for events and for a WebSocket.
[[nodiscard]] std::string_view bytes_of(const ResponseBody& body);

/// Where the events of a stream come from; nothing for other responses.
[[nodiscard]] std::shared_ptr<EventSource> events_of(const Response& response);

/// Who answers in the WebSocket that a response makes of the connection; nobody for the others.
[[nodiscard]] std::shared_ptr<SocketSession> session_of(const Response& response);

}  // namespace faceforge::http
