#include "http/server.h"

#include <utility>

#include "http/application.h"
#include "http/static_files.h"

namespace faceforge::http {

struct Server::Parts {
  Parts(const Services& services, StaticFiles pages, StrictTransport strict_transport)
      : application(services, std::move(pages), strict_transport) {}

  ApiApplication application;
  std::unique_ptr<Transport> transport;  // ends before what it calls
};

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options,
                                              const Services& services) {
  StaticFiles pages;
  if (!options.web_folder.empty()) pages = TRY(StaticFiles::load(options.web_folder));
  auto parts = std::make_unique<Parts>(services, std::move(pages), options.strict_transport);
  parts->transport = TRY(Transport::start(options.transport, parts->application));
  return std::unique_ptr<Server>(new Server(std::move(parts)));
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Server::~Server() = default;

uint16_t Server::port() const {
  return parts_->transport->port();
}

Result<void> Server::use_certificate(const TlsFiles& files) {
  return parts_->transport->use_certificate(files);
}

void Server::stop() {
  parts_->transport->stop();
}

}  // namespace faceforge::http
