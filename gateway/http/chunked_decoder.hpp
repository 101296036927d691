// A chunked body as it arrives (RFC 9112 7.1): Beast's parser behind a check of each line of its framing. Sizes
// are plain hex digits, line ends CR LF and nothing else. Chunk extensions and trailer fields are checked,
// bounded and dropped; a trailer that would change the framing is refused.
//
// Thread safety: one body, one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "gateway/http/message_parser.hpp"

namespace photogate::gateway::http {

class ChunkedDecoder : private MessageParser {
  public:
    explicit ChunkedDecoder(std::uint64_t limit);

    /// Takes from `arrived` what belongs to this body, appends the decoded bytes to `body` and says how many
    /// bytes it took: all of them before the body's end. bad_framing, body_too_large, or for trailers bad_header
    /// and headers_too_large otherwise; then the decoder is of no more use.
    Result<std::size_t> feed(std::string_view arrived, std::string& body);
    /// The last chunk and its trailers have been read.
    bool done() const { return is_done(); }

  private:
    /// What is read next: a chunk's data, or a line of the framing.
    enum class Next { size, data, data_end, trailer };

    std::size_t on_chunk_body_impl(std::uint64_t remain, Text data, Code& error) override;
    Result<std::size_t> take_data(std::string_view arrived);
    Result<std::size_t> take_line(std::string_view arrived);
    Result<> check_line(std::string_view text);
    Result<> end_line(std::string_view text);
    tl::unexpected<Error> refusal(Code error) const;

    const std::uint64_t limit_;
    Next next_ = Next::size;
    std::string* body_ = nullptr;  ///< during feed()
    std::string element_;          ///< the lines that Beast takes together, as far as they are here
    std::size_t line_ = 0;         ///< where the last of them begins
    std::size_t extension_bytes_ = 0;
    std::size_t trailer_bytes_ = 0;
};

}  // namespace photogate::gateway::http
