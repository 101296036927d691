// An HTTP request and its answer, as routes see them (RFC 9110, RFC 9112). No library's types.
//
// A Request has passed every rule of parse_head.hpp: its framing is unambiguous, its target decoded (where
// its service has targets decoded), its body whole and within the route's limit, or, where the service asked
// for that, still to be taken piece by piece. What it does not do: negotiate content, or know a path's
// meaning (router.hpp).
//
// Thread safety: values. A Request may be moved to another thread, as may a Response.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/ip_address.hpp"
#include "base/result.hpp"
#include "http/semantics/field.hpp"

namespace photogate::gateway::access {
struct Principal;
}

namespace photogate::gateway::http {

/// Who calls; null where nobody was asked. The server core carries it and never looks into it: what is in it belongs
/// to gateway/access, which also makes it.
using PrincipalPtr = std::shared_ptr<const access::Principal>;

enum class Method { get, head, post, put, delete_, patch, options, trace, connect };

/// `GET`, `DELETE`…
std::string_view to_string(Method method);
/// Case-sensitive, as RFC 9110 9.1 has it; nullopt where the word is not one of the above.
std::optional<Method> parse_method(std::string_view text);

using photogate::http::semantics::HeaderField;
using photogate::http::semantics::QueryParameter;

/// A request's fields in the order sent, in one block of memory. Names compare without case.
class RequestHeaders {
  public:
    using Field = photogate::http::semantics::FieldView;
    void add(std::string_view name, std::string_view value);
    std::size_t size() const { return slices_.size(); }
    Field at(std::size_t index) const;
    /// The first field of this name.
    std::optional<std::string_view> find(std::string_view name) const;
    std::vector<std::string_view> all(std::string_view name) const;
    std::size_t count(std::string_view name) const;

  private:
    struct Slice {
        std::uint32_t start;
        std::uint16_t name_size;
        std::uint32_t value_size;
    };
    std::string block_;
    std::vector<Slice> slices_;
};

/// How the body's end is known (RFC 9112 6.3).
struct NoBody {};
struct LengthBody {
    std::uint64_t size = 0;
};
struct ChunkedBody {};
using Framing = std::variant<NoBody, LengthBody, ChunkedBody>;

enum class Version { http_1_0, http_1_1 };
enum class Persistence { keep_alive, close };

struct RequestHead {
    Method method = Method::get;
    Version version = Version::http_1_1;
    std::string target;  ///< as sent
    std::vector<std::string>
        path;  ///< decoded segments: "/" has none, "/a/" has "a" and ""; never "." or ".."
    std::vector<QueryParameter> query;  ///< decoded, in order, `+` as a space; always UTF-8 without NUL
    // Both stay empty under TargetRule::opaque (parse_head.hpp): such a service reads `target` itself.
    RequestHeaders headers;
    Framing framing;
    Persistence persistence = Persistence::keep_alive;
    bool expects_continue = false;
    /// Whose request it is (client_address.hpp); nullopt where it did not come over a connection.
    std::optional<IpAddress> client = std::nullopt;
    /// Who the connection is from: the client, or the last proxy before us.
    std::optional<IpAddress> peer = std::nullopt;

    /// The target without its query: fit for a log.
    std::string_view raw_path() const;
    /// The first parameter of this name.
    std::optional<std::string_view> query_value(std::string_view name) const;
};

/// What the pattern's `{name}` stood for, decoded.
struct PathParameter {
    std::string_view name;
    std::string value;
};
using PathParameters = std::vector<PathParameter>;

/// A body that is taken while it arrives (BodyMode::pieces). Nothing is read from the peer, nor is it told to
/// go on (`100 Continue`), before a piece is asked for: a slow handler slows the peer down, and at most one
/// piece is in memory.
class RequestBody {
  public:
    struct Piece {
        std::string bytes;  ///< empty only in a last one
        bool last = false;
    };
    using Taken = std::function<void(Result<Piece>)>;
    virtual ~RequestBody() = default;
    /// From any thread, one at a time, not after the last. `taken` is called once, on an I/O thread, so it
    /// must not block. An Error (http_broken, request_timeout, bad_framing, body_too_large): there will be no
    /// more, and where an answer still could be given, the server has given it. Where the server itself has
    /// gone, `taken` is destroyed uncalled.
    virtual void next(Taken taken) = 0;
    /// The time for the body as a whole, in place of Admission::body_deadline, for a body whose beginning tells how
    /// long it may take. From any thread; it holds from the next piece that is asked for.
    virtual void allow(std::chrono::milliseconds time) = 0;
};

struct Request : RequestHead {
    std::string body;
    std::shared_ptr<RequestBody>
        stream;  ///< in place of `body` under BodyMode::pieces, also where it is empty
    PathParameters parameters;
    std::string_view route;   ///< the pattern's name, for logs and metrics
    std::string remote;       ///< the client's address (client_address.hpp), without the port
    std::string request_id;   ///< the caller's where it is sane, ours otherwise; goes back as X-Request-Id
    std::string traceparent;  ///< what this request's work is part of (base/tracing), or empty: no trace
    std::string tracestate;   ///< as sent beside one, where it is sound
    PrincipalPtr principal;   ///< who calls, as the route's head check found

    /// The path parameter; empty where the pattern has none of this name.
    std::string_view parameter(std::string_view name) const;
};

/// A body that is made while it is sent. Asked for one piece at a time: the next only when the last is on its
/// way.
class BodyReader {
  public:
    /// An empty piece is the end. An Error breaks the connection, since the head has gone out.
    using Answer = std::function<void(Result<std::string>)>;
    virtual ~BodyReader() = default;
    /// Called on an I/O thread, so it must not block: what has to wait answers later, from any thread,
    /// exactly once.
    virtual void next(Answer answer) = 0;
    /// The peer has taken nothing for a second: what can be fetched again may be released. On an I/O thread, and
    /// not while a piece is asked for.
    virtual void rest() {}
};

struct StreamBody {
    std::unique_ptr<BodyReader> reader;  ///< null: for an answer to HEAD
    /// Known: sent as Content-Length, and held to it. Unknown: chunked.
    std::optional<std::uint64_t> length;
};

using SharedBody = std::shared_ptr<const std::string>;

/// Bytes that lie in open files, in one or in several behind each other.
class FileSource {
  public:
    struct Extent {
        int descriptor = -1;  ///< the source's; valid as long as it lives
        std::uint64_t offset = 0;
        std::uint64_t length = 0;
    };
    virtual ~FileSource() = default;
    /// The bytes from `offset` on that lie together. Called on an I/O thread: it may open a file, and no
    /// more.
    virtual Result<Extent> at(std::uint64_t offset) const = 0;
};

/// What is sent from the page cache by the kernel. A file that is shorter than it was breaks the connection.
struct FileBody {
    std::shared_ptr<const FileSource> source;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

/// An Error as a body is worded by the service: as an RFC 9457 problem, with the request's id in it, unless
/// it speaks another language (service.hpp).
using Body = std::variant<std::string, SharedBody, StreamBody, FileBody, Error>;

struct Response {
    int status = 200;
    std::vector<HeaderField> headers;
    Body body;
    Persistence persistence = Persistence::keep_alive;  ///< close: this connection ends after this answer
    std::string reason = {};                            ///< in place of the standard's words; visible ASCII

    static Response empty(int status) { return Response{status, {}, std::string{}}; }
    static Response json(int status, std::string text);
    static Response text(int status, std::string text);
    /// Status and headers (Retry-After, WWW-Authenticate) follow from the code.
    static Response problem(Error error);

    /// Replaces a field of this name. The server's own defaults give way to what is set here; an empty value
    /// takes one away.
    Response& set(std::string_view name, std::string_view value);
    const std::string* find(std::string_view name) const;
};

/// The standard's words for a status: "Created". Empty for a number it does not know.
std::string_view reason_phrase(int status);

}  // namespace photogate::gateway::http
