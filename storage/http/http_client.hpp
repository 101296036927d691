// One outbound HTTP call: to the object store, or to a callback's receiver. The only user of libcurl.
//
// It never follows a redirect, uses a scheme other than http and https, sends `Expect: 100-continue`,
// normalises a path, reads a proxy or .netrc from the environment, or keeps a cookie. A signed request is
// sent byte for byte as it was signed.
//
// Thread safety: any number of threads may call send() at once. Connections are kept alive in a bounded pool
// of handles.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.hpp"
#include "base/result.hpp"
#include "http/semantics/field.hpp"

struct sockaddr;

namespace photogate::storage::http {

using photogate::http::semantics::HeaderField;

/// The source of a request's body. Each attempt reads it from the start.
class BodySource {
  public:
    virtual ~BodySource() = default;
    virtual std::uint64_t size() const = 0;
    /// Reads up to `out.size()` bytes at `offset`; 0 at the end; nullopt on a read error.
    virtual std::optional<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> out) const = 0;
};

/// Receives a response's body as it arrives. False stops the transfer.
using BodySink = std::function<bool(BytesView)>;

struct Response;

struct Request {
    std::string method = "GET";
    std::string url;
    std::vector<HeaderField> headers;
    std::string body;                    ///< used if `source` is null
    const BodySource* source = nullptr;  ///< must outlive the call

    std::chrono::milliseconds connect_timeout{3'000};
    std::chrono::milliseconds first_byte_timeout{10'000};
    /// Slower than this over 20 s is a stall.
    std::uint32_t stall_bytes_per_second = 1'024;
    std::chrono::milliseconds total_timeout{0};  ///< 0: bounded only by stalls
    std::uint64_t max_response_body =
        1U << 20;                ///< for `Response::body`; a longer one is store_protocol, or truncated
    bool cut_long_body = false;  ///< true: keep the first max_response_body bytes and stop there
    /// For 2xx responses; if it is empty, the body is collected in `Response::body`. Other responses are
    /// always collected.
    BodySink sink;
    /// Receives status and headers of a 2xx response before `sink` gets its first byte; false stops the
    /// transfer. Not called for a response without a body.
    std::function<bool(const Response&)> accept;
};

struct Response {
    int status = 0;
    std::vector<HeaderField> headers;
    std::string body;
    std::chrono::microseconds elapsed{};

    /// The first header of that name, case-insensitively; nullptr if there is none.
    const std::string* header(std::string_view name) const;
};

/// Decides whether a resolved address may be connected to. Called with the sockaddr that connect(2) will use.
using AddressGuard = std::function<bool(const sockaddr&)>;

struct ClientOptions {
    std::string user_agent = "photogate";
    std::size_t kept_handles = 32;
    AddressGuard guard;   ///< empty: every address
    std::string ca_file;  ///< empty: the system's
    std::uint16_t only_port = 0;
};

class ResponseStream;

class HttpClient {
  public:
    explicit HttpClient(ClientOptions options);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    /// Any status is a Response. Errors: http_dns and http_connect (nothing was sent), http_tls,
    /// http_timeout, http_broken (also if `sink` or `accept` stopped it), http_blocked, store_protocol (a
    /// response over the limit); file_error if `source` failed; invalid_field for a method, URL or header
    /// that HTTP can't carry. Exceptions of `sink`, `source` and `accept` propagate.
    Result<Response> send(const Request& request);

    /// Blocks until the head and the first of the body are there; the rest is read from the stream. Neither
    /// `sink` nor `accept` is used. Errors: as send(). The client outlives the stream.
    Result<std::unique_ptr<ResponseStream>> open(Request request);

  private:
    friend class ResponseStream;
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace photogate::storage::http
