// Frames over a stream socket between the supervisor and a worker process. Either side treats the other's bytes as
// hostile.
//
//   "PGI1" | header length: u32 little-endian | body length: u64 little-endian | header (JSON) | body (bytes)
//
// A frame may carry one file descriptor (SCM_RIGHTS), which arrives with its first byte. Lengths are checked
// against the receiver's caps before a byte is stored, and memory grows with what has arrived, not with what
// was announced. Thread safety: one thread at a time.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "base/encoding.hpp"
#include "base/file.hpp"

namespace photogate::imaging {

struct Frame {
    std::string header;
    Bytes body;
    Descriptor descriptor;
};

enum class ChannelFault {
    closed,     ///< the other side is gone
    timed_out,  ///< the deadline passed
    malformed,  ///< what came is no frame, or is over the caps
};

class Channel {
  public:
    using Deadline = std::optional<std::chrono::steady_clock::time_point>;  ///< nullopt: for ever
    struct Caps {
        std::uint64_t header = 0;
        std::uint64_t body = 0;
    };

    /// A connected stream socket.
    explicit Channel(Descriptor socket) : socket_(std::move(socket)) {}

    /// `attached` is -1 or a descriptor, borrowed.
    tl::expected<void, ChannelFault> send(std::string_view header, BytesView body, int attached,
                                          Deadline deadline);
    tl::expected<Frame, ChannelFault> receive(const Caps& caps, Deadline deadline);
    /// Until a frame begins, or the channel is closed. False: not by the deadline.
    bool wait(Deadline deadline) const;

    int descriptor() const { return socket_.get(); }

  private:
    tl::expected<void, ChannelFault> send_all(BytesView bytes, int attached, Deadline deadline);
    tl::expected<void, ChannelFault> receive_all(std::uint8_t* into, std::size_t size, Deadline deadline);
    Descriptor socket_;
    Descriptor attached_;  ///< arrived with the frame that is being received
};

}  // namespace photogate::imaging
