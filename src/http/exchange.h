#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "http/body.h"
#include "http/message.h"

namespace faceforge::http {

/// Which threads answer a request, so that neither photos nor passwords keep the small questions
/// waiting.
enum class Lane : uint8_t {
  AtOnce,     ///< where the bytes arrive: only what never waits
  Quick,      ///< what asks the database
  Passwords,  ///< what hashes a password, which is slow on purpose
  Photos,     ///< what looks at photos or takes a processor as long
  Sockets,    ///< what becomes a WebSocket: its request and its messages each on own threads
};

/// One request being answered, step by step: `admit`, then, unless that refused, `answer`. The
/// transport calls one step at a time and knows nothing of routes.
class Exchange {
 public:
  virtual ~Exchange() = default;

  [[nodiscard]] virtual Lane lane() const = 0;

  /// The longest body that is received at all; 0 for requests without one.
  [[nodiscard]] virtual size_t body_limit_bytes() const = 0;

  /// What the log calls the request: `/api/v1/galleries/{gallery_id}`, never the raw target.
  [[nodiscard]] virtual std::string_view route_name() const = 0;

  /// Decides, before the body is received, whether the client may ask this at all. Asked again
  /// while a stream of events goes on.
  ///
  /// out: nothing, or the refusal
  [[nodiscard]] virtual std::optional<Response> admit() = 0;

  /// Who asks, as shares of what all clients use are counted: an account, or an address. Known
  /// once it is admitted.
  [[nodiscard]] virtual std::string asker() const = 0;

  /// in: `abandoned` is asked to stop when the client has gone: nobody will see the answer. Only on
  ///     the lane `Photos`: the others answer what takes no such time
  [[nodiscard]] virtual Response answer(Body body, std::stop_token abandoned) = 0;
};

/// Whoever answers requests.
class Application {
 public:
  virtual ~Application() = default;

  /// Begins to answer. Never waits and never fails: what nobody can answer gets an exchange that
  /// says so. Thread safe.
  [[nodiscard]] virtual std::unique_ptr<Exchange> begin(RequestHead head) = 0;

  /// Adds the header fields that every response carries, the transport's own too.
  virtual void finish(Response& response, Scheme scheme) const = 0;
};

}  // namespace faceforge::http
