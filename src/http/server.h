#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/result.h"
#include "http/transport.h"

namespace faceforge::accounts {
class Accounts;
}
namespace faceforge::jobs {
class Jobs;
}
namespace faceforge::packs {
class Registry;
}
namespace faceforge::recognition {
class Recognition;
}
namespace faceforge::store {
class BlobFiles;
class Database;
}  // namespace faceforge::store

namespace faceforge::http {

/// Whether strangers may make an account.
enum class SignUp { Open, Closed };

/// What the routes call. All of it outlives the server.
struct Services {
  accounts::Accounts& accounts;
  recognition::Recognition& recognition;  ///< with its `galleries()`
  jobs::Jobs& jobs;                       ///< with `add_train_gallery` done, and started
  packs::Registry& packs;
  store::Database& database;      ///< for /readyz
  const store::BlobFiles& files;  ///< for the files of a deleted account
  SignUp sign_up = SignUp::Open;
};

/// Whether browsers are told to come by https only, for a year. Not with a certificate of the
/// server's own: where it is not trusted, they would refuse to go on, and on `localhost` they would
/// refuse every other server too.
enum class StrictTransport { Off, On };

struct ServerOptions {
  TransportOptions transport{};
  StrictTransport strict_transport = StrictTransport::On;  ///< where it is served by https
  /// The built pages (`web/dist`), read once at the start; empty: the API alone.
  std::filesystem::path web_folder{};
};

/// The HTTP server: the API of `openapi.yaml`, the pages, and nothing else.
class Server {
 public:
  /// Begins to serve.
  ///
  /// fails: as `Transport::start`; not_found/web_folder_not_found and
  /// too_large/web_folder_too_large
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(const ServerOptions& options,
                                                             const Services& services);

  /// Stops as `stop` does.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// The port that is listened on, also when any free one was asked for.
  [[nodiscard]] uint16_t port() const;

  /// As Transport::use_certificate. Thread safe.
  [[nodiscard]] Result<void> use_certificate(const TlsFiles& files);

  /// Accepts nothing new, finishes what was accepted (for as long as `limits.drain` says), then
  /// ends. Returns when no handler runs any more.
  void stop();

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace faceforge::http
