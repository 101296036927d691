// A body that is worth keeping as far as it came: of an upload that is resumed after a cut.
//
// A handler whose body comes in pieces (BodyMode::pieces) may let it flow. A piece is then given when it is large, or when
// some bytes have waited for a while; what came before a break is given as a piece, and the Error with the next one that is
// asked for; the time between two bytes is bounded in place of the body's time and rate; a server that drains ends the body,
// so that it is continued elsewhere.
//
// Thread safety: every call from any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "gateway/http/message.hpp"

namespace photogate::gateway::http {

/// Who is sent interim answers (104): many proxies take one for the final answer.
enum class InterimAnswers {
    direct,  ///< clients that come without a proxy, as far as can be seen
    always,  ///< every proxy in front passes them on
    never,
};

struct FlowLimits {
    std::chrono::milliseconds idle{60'000};  ///< between two bytes
    /// Bytes of all pieces that are being gathered: a piece has at most its share, within `least` and `most`.
    std::size_t buffers = 128U << 20;
    std::size_t least = 16U << 10;  ///< given once its first byte is `late` old
    std::chrono::milliseconds late{30'000};
    std::size_t some = 256U << 10;  ///< given once its first byte is `soon` old
    std::chrono::milliseconds soon{1'000};
    std::size_t most = 4U << 20;
};

class FlowingBody : public RequestBody {
  public:
    /// Holds from the next piece that is asked for.
    virtual void flow() = 0;
    /// Ends the body here, as if it had broken for this reason. What has arrived is given with the next piece, at once where
    /// one is asked for.
    virtual void interrupt(Error why) = 0;
    /// Sends an interim answer (RFC 9110 15.2), such as 104, of which status and fields count. Once all of the body has been
    /// given, or to HTTP/1.0, nothing is sent.
    virtual void inform(Response interim) = 0;
};

/// The request's body, where it comes in pieces over a connection; null otherwise.
inline std::shared_ptr<FlowingBody> flowing_body(const Request& request) {
    return std::dynamic_pointer_cast<FlowingBody>(request.stream);
}

}  // namespace photogate::gateway::http
