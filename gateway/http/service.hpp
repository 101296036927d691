// What a server serves: the two questions that it asks about each request. The Router is one; a test may be
// another.
#pragma once

#include <cstddef>
#include <string_view>
#include <variant>
#include <vector>

#include "gateway/http/message.hpp"
#include "gateway/http/responder.hpp"

namespace photogate::gateway::http {

/// What is known about a request once its head is there, before a byte of its body is read.
struct Admission {
    std::size_t body_limit = 0;
    std::size_t route = 0;        ///< the service's own number, given back to handle()
    std::string_view route_name;  ///< lives as long as the service
    PathParameters parameters;
    std::any caller;
    std::vector<HeaderField> headers;  ///< on whatever is answered, the server's own refusals too (CORS)
    /// Answers now, without reading the body or calling handle().
    std::variant<std::monostate, Response, Error> refusal;
};

/// Thread safety: called from every I/O thread at once.
class Service {
  public:
    virtual ~Service() = default;
    virtual Admission admit(const RequestHead& head) = 0;
    virtual void handle(std::size_t route, Request request, Responder responder) = 0;
};

}  // namespace photogate::gateway::http
