// The answer to one outbound call, with a body that is read when it is wanted.
//
// Between two reads nothing is taken from the connection beyond what read() did not have room for (16 KiB at
// most) and what the kernel's socket buffer holds: a slow reader slows the sender down.
//
// Thread safety: one thread at a time. Made by HttpClient::open(), whose client outlives it.
#pragma once

#include <memory>
#include <span>

#include "storage/http/http_client.hpp"

namespace photogate::storage::http {

class ResponseStream {
  public:
    struct State;
    explicit ResponseStream(std::unique_ptr<State> state);
    /// Ends the transfer. The connection is kept for others only where the body was read to its end.
    ~ResponseStream();
    ResponseStream(const ResponseStream&) = delete;
    ResponseStream& operator=(const ResponseStream&) = delete;

    /// Status and headers. Of an answer that is not 2xx, the body too: nothing is left to read then.
    const Response& head() const;
    /// Blocks until some of the body is there. 0: it has ended, and is complete as far as HTTP can tell.
    /// Errors: as HttpClient::send. After one, every further call gives it again.
    Result<std::size_t> read(std::span<std::uint8_t> out);

  private:
    std::unique_ptr<State> state_;
};

}  // namespace photogate::storage::http
