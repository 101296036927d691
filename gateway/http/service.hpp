// What a server serves: the questions that it asks about each request. The Router is one; the S3 interface of
// the built-in store is another.
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>
#include <variant>
#include <vector>

#include "gateway/http/message.hpp"
#include "gateway/http/parse_head.hpp"
#include "gateway/http/responder.hpp"

namespace photogate::gateway::http {

/// How a route gets the body: gathered whole before its handler is called, or the handler at once and the body
/// through Request::stream. An answer before the body's end ends the connection, once the peer has had time to read
/// it.
enum class BodyMode { whole, pieces };

/// Whether a body that is gathered whole is also within ServerLimits::body, or within the route's limit alone.
enum class BodyBound { server, route };

/// Whether a request is a span of its trace: not where a machine asks all day whether we are well.
enum class Traced { yes, no };

/// What is known about a request once its head is there, before a byte of its body is read.
struct Admission {
    std::size_t body_limit = 0;
    BodyMode body_mode = BodyMode::whole;
    BodyBound body_bound = BodyBound::server;
    /// For the body as a whole, in place of ServerLimits::body_deadline; its lowest rate holds beside it.
    std::optional<std::chrono::milliseconds> body_deadline;
    std::string_view route_name;  ///< lives as long as the service
    PathParameters parameters;
    PrincipalPtr principal;
    Traced traced = Traced::yes;
    std::vector<HeaderField> headers;  ///< on whatever is answered, the server's own refusals too (CORS)
    /// Called once, with what admit() already knows of the request in its closure. It outlives neither the service nor
    /// the call.
    Handler handler;
    /// Answers now, without reading the body or calling the handler.
    std::variant<std::monostate, Response, Error> refusal;
};

/// What a service needs to word an error that the server itself answers.
struct ErrorContext {
    std::string_view docs_base;  ///< in front of the code in a problem's `type`
    std::string_view request_id;
    std::string_view path;  ///< as sent, without the query; empty where the head could not be read
};

/// Thread safety: called from every I/O thread at once.
class Service {
  public:
    virtual ~Service() = default;
    /// What the heads of its requests may be; `general` are the server's limits.
    virtual HeadLimits head_limits(const HeadLimits& general) const { return general; }
    /// Puts the Error that is `response.body` into words: body, Content-Type and, where the language wants
    /// another, status. RFC 9457's unless overridden.
    virtual void word(Response& response, const ErrorContext& context) const;
    virtual Admission admit(const RequestHead& head) = 0;
};

}  // namespace photogate::gateway::http
