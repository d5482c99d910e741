#pragma once

#include <memory>

#include "http/exchange.h"
#include "http/server.h"
#include "http/static_files.h"
#include "http/target.h"

namespace faceforge::http {

/// The API and the pages: finds the route of a request, asks who is asking, calls the handler.
class ApiApplication final : public Application {
 public:
  ApiApplication(const Services& services, StaticFiles pages, StrictTransport strict_transport)
      : services_(services), pages_(std::move(pages)), strict_transport_(strict_transport) {}

  [[nodiscard]] std::unique_ptr<Exchange> begin(RequestHead head) override;
  void finish(Response& response, Scheme scheme) const override;

 private:
  [[nodiscard]] std::unique_ptr<Exchange> begin_page(const RequestHead& head,
                                                     const Target& target) const;

  Services services_;
  StaticFiles pages_;
  StrictTransport strict_transport_;
};

}  // namespace faceforge::http
