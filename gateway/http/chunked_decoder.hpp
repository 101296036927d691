// A chunked body as it arrives (RFC 9112 7.1), read strictly: sizes of plain hex digits, CR LF and nothing
// else as line ends. Chunk extensions and trailer fields are checked, bounded and dropped.
//
// Thread safety: one body, one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace photogate::gateway::http {

class ChunkedDecoder {
  public:
    explicit ChunkedDecoder(std::uint64_t body_limit) : limit_(body_limit) {}

    /// Takes from `arrived` what belongs to this body, appends the decoded bytes to `body` and says how many
    /// bytes it took. bad_framing, body_too_large or headers_too_large (trailers) otherwise; then the decoder
    /// is of no more use.
    Result<std::size_t> feed(std::string_view arrived, std::string& body);
    /// The last chunk and its trailers have been read.
    bool done() const { return state_ == State::done; }

  private:
    enum class State { size, extension, size_lf, data, data_cr, data_lf, trailer, trailer_lf, done };
    Result<> take(char c);
    Result<> end_trailer_line();

    std::uint64_t limit_;
    State state_ = State::size;
    std::uint64_t decoded_ = 0;
    std::uint64_t chunk_left_ = 0;
    int size_digits_ = 0;
    std::size_t extension_bytes_ = 0;
    std::size_t trailer_bytes_ = 0;
    std::string trailer_line_;
};

}  // namespace photogate::gateway::http
