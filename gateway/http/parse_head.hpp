// The head of an HTTP/1.1 request (RFC 9112), parsed by Boost.Beast, with stricter rules before and behind it, so
// that no proxy before us can read the same bytes in another way. Whatever is not plainly well-formed is refused,
// and the connection ends:
//
//   400 bad_request                    not HTTP/1.x at all: HTTP/2's preface, a TLS hello
//   501 method_unknown                 methods are case-sensitive
//   400 bad_target                     absolute-form, authority-form, `*` outside OPTIONS, and all that
//                                      target.hpp refuses
//   414 target_too_long
//   400 bad_header                     obs-fold, space before the colon, a name that is no token, NUL or
//                                      another control character, a bare CR or LF, Connection that is
//                                      not a list of words
//   431 headers_too_large
//   400 bad_host                       no Host, two, or one that is no host
//   400 bad_framing                    Transfer-Encoding with Content-Length; chunked in HTTP/1.0;
//                                      Content-Length repeated, listed or not digits
//   501 transfer_encoding_unsupported  anything but exactly `chunked`
//   400 unexpected_body                with GET, HEAD, DELETE…
//   417 expectation_failed             Expect is not `100-continue`
//
// What it does not do: read the body, know routes, or compare Host with a list (the server does).
//
// Thread safety: pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "gateway/http/message.hpp"

namespace photogate::gateway::http {

/// Who reads the target. `segments`: it has to pass target.hpp, and comes decoded. `opaque`: the service
/// reads it itself, for keys in which `//`, `..` or `\` are letters like others (S3); it begins with a slash
/// and holds no space, control character or `#`, and no more is said of it.
enum class TargetRule { segments, opaque };

struct HeadLimits {
    std::size_t bytes = 16'384;  ///< of the request line and all field lines, with their line ends
    std::size_t fields = 64;
    std::size_t target = 2'048;
    TargetRule target_rule = TargetRule::segments;
};

/// Looks for the head's end in what has arrived. Gives its size with the empty line, nullopt while it is not
/// whole, or an Error as soon as no further byte could make it right. `scanned` remembers how far it has
/// looked; it starts at 0.
Result<std::optional<std::size_t>> find_head_end(std::string_view arrived, std::size_t& scanned,
                                                 const HeadLimits& limits = {});

/// `head` is a whole head with its empty line.
Result<RequestHead> parse_head(std::string_view head, const HeadLimits& limits = {});

}  // namespace photogate::gateway::http
