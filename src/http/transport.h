#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "http/exchange.h"

namespace faceforge::http {

/// Bounds on what clients may take. Beyond one of them a client is refused, or cut off where it
/// would not listen.
struct TransportLimits {
  using Duration = std::chrono::milliseconds;

  size_t connections = 512;                    ///< beyond: see `Connections`
  size_t connections_per_address = 128;        ///< beyond: 503 at once; none behind a proxy
  size_t header_bytes = 16'384;                ///< request line and fields: 431
  Duration idle = std::chrono::seconds(75);    ///< between two requests of a connection
  Duration header = std::chrono::seconds(10);  ///< from a request's first byte to its header's end,
                                               ///< and from a connection's begin to its first byte
  Duration stalled = std::chrono::seconds(20);  ///< a body or a response may pause this long ...
  size_t min_bytes_per_second = 4'096;          ///< ... and all its pauses, beyond this rate
  Duration drain = std::chrono::seconds(30);    ///< `stop` lets requests finish for this long
  size_t spool_bytes = size_t{2} << 30;         ///< of bodies on the disk, over all connections
  size_t spool_bytes_each = 600'000'000;        ///< of one account's or address's: two uploads
  size_t event_streams = 64;
  size_t event_streams_each = 8;
  Duration event_stream = std::chrono::minutes(30);     ///< then the client connects again
  Duration event_heartbeat = std::chrono::seconds(15);  ///< a comment, for proxies on the way; and
                                                        ///< the client must still be admitted
  size_t sockets = 64;                                  ///< beyond: 503 before the upgrade
  size_t sockets_each = 8;                              ///< of one account
  size_t socket_message_bytes = 2'000'004;              ///< closed with 1009 beyond
  size_t socket_messages_per_second = 60;             ///< over two seconds: closed with 1008 beyond
  Duration socket_check = std::chrono::seconds(1);    ///< the client must still be admitted, and
                                                      ///< what its session holds be up to date
  Duration socket_silent = std::chrono::seconds(30);  ///< not even an answer to a ping
  Duration socket_idle = std::chrono::minutes(10);    ///< no message
  size_t socket_threads = 2;
  size_t socket_opening_threads = 2;  ///< which read what a socket begins with
  size_t quick_threads = 4;
  size_t quick_queue = 256;
  size_t password_threads = 2;
  size_t password_queue = 64;
  size_t photo_threads = 2;  ///< which wait for the cores that look at photos
  size_t photo_queue = 64;
  Duration photo_wait = std::chrono::seconds(20);  ///< in this queue; then 503
  size_t photo_requests_each = 16;  ///< of one account, waiting or being answered: 503

  /// Requests and live frames that look at photos at the same time: what waits for more than the
  /// cores does so before these threads.
  [[nodiscard]] size_t photos_at_once() const { return photo_threads + socket_threads; }
};

struct TlsFiles {
  std::filesystem::path certificate_chain;  ///< PEM, the server's own first
  std::filesystem::path private_key;        ///< PEM
};

/// Whether a reverse proxy stands before the server, whose `X-Forwarded-For` and
/// `X-Forwarded-Proto` then tell about the client.
enum class Proxy { None, Trusted };

struct TransportOptions {
  std::string address = "127.0.0.1";  ///< IPv4 or IPv6, no name
  uint16_t port = 8080;               ///< 0: any that is free
  Proxy proxy = Proxy::None;
  std::optional<TlsFiles> tls{};
  std::filesystem::path spool_folder{};  ///< made when missing; for bodies over 1 MB
  size_t io_threads = 2;
  TransportLimits limits{};
};

/// Connections, bytes and time: everything about HTTP that knows no route. Owns the threads.
class Transport {
 public:
  /// Begins to listen. `application` outlives this object.
  ///
  /// fails: invalid_input/listen_address; conflict/port_in_use; forbidden/port_not_permitted;
  ///        internal/listen_failed; invalid_input/tls_files when the certificate or the key cannot
  ///        be used; as `file_error` for the spool folder
  [[nodiscard]] static Result<std::unique_ptr<Transport>> start(const TransportOptions& options,
                                                                Application& application);

  /// Stops as `stop` does.
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  [[nodiscard]] uint16_t port() const;

  /// Serves another certificate from the next connection on; those that are open keep theirs.
  ///
  /// in:    only where it began with a certificate (a CHECK)
  /// fails: invalid_input/tls_files when it cannot be used: the present one stays
  [[nodiscard]] Result<void> use_certificate(const TlsFiles& files);

  /// Accepts nothing new, lets requests that have begun finish for as long as `limits.drain` says,
  /// then closes every connection and ends the threads. What a worker is doing is waited for.
  void stop();

 private:
  struct Parts;
  explicit Transport(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace faceforge::http
