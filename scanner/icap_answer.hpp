// One answer of an ICAP server, read as its bytes arrive (RFC 3507).
//
//   ICAP/1.0 200 OK · fields · an empty line · heads of HTTP, as `Encapsulated` places them · a chunked body
//
// Strict: lines end with CRLF, sizes are plain, and everything is bounded: 16 KiB and 100 fields of ICAP's head, 16 KiB
// of HTTP's heads, 4 KiB of trailers. Folded fields are read, because c-icap folds X-Violations-Found.
//
// Thread safety: none. Errors: scanner_unavailable, for what is no ICAP; the answer is then of no use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace photogate::scanner {

class IcapAnswer {
  public:
    /// Gets the body's bytes, in their order, in parts of any size.
    using Sink = std::function<void(std::string_view)>;
    explicit IcapAnswer(Sink sink = {}) : sink_(std::move(sink)) {}

    /// How many of the bytes belong to this answer: all of them, but for those behind its end.
    Result<std::size_t> feed(std::string_view bytes);
    bool has_head() const { return stage_ > Stage::head; }
    bool is_complete() const { return stage_ == Stage::complete; }

    // Once it has its head.
    int status() const { return status_; }
    /// By its name in lower case, of several the first; nullptr: there is none.
    const std::string* find(std::string_view name) const;

    // Once it is complete.
    /// The status of the HTTP response inside; 0: there is none.
    int http_status() const { return http_status_; }

  private:
    enum class Stage { head, embedded, chunk_size, chunk, chunk_end, trailer, complete };
    Result<> take_head(std::string_view head);
    Result<> take_status(std::string_view line);
    Result<> take_field(std::string_view line);
    Result<> take_places();
    Result<> take_embedded();
    Result<> take_chunk_size(std::string_view line);
    Result<> take_line(std::string_view line);
    Result<std::size_t> feed_head(std::string_view bytes);
    Result<std::size_t> feed_line(std::string_view bytes);

    const Sink sink_;
    Stage stage_ = Stage::head;
    std::string held_;  ///< of what is not whole yet
    int status_ = 0;
    std::vector<std::pair<std::string, std::string>> fields_;
    std::size_t embedded_ = 0;  ///< bytes of HTTP's heads
    std::size_t response_at_ = 0;
    std::size_t response_end_ = 0;  ///< 0: there is no response's head
    bool has_body_ = false;
    int http_status_ = 0;
    std::uint64_t chunk_ = 0;  ///< what is left of it
    std::size_t trailers_ = 0;
};

}  // namespace photogate::scanner
